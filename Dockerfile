# Two stages: the first builds a virtual environment, the second holds nothing else that can be run.
# For a build that can be repeated, name the base by its digest: --build-arg PYTHON=python:3.13-slim@sha256:...
ARG PYTHON=python:3.13-slim

FROM ${PYTHON} AS build
WORKDIR /source
COPY image image
COPY pyproject.toml setup.cfg README.md LICENSE ./
COPY reconcile reconcile
COPY cronjob cronjob
RUN image/install /opt/syncer

FROM ${PYTHON}
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="flux-gitlab-syncer" \
      org.opencontainers.image.description="Keeps GitLab deploy keys and webhooks in step with Flux" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# Nothing that installs is left: neither the base's pip nor the copy from which `ensurepip` would make it again.
# The official image ships no byte code for the standard library, and a read-only root never gets any: without this
# every run would compile it again.
RUN python3 -m pip --quiet uninstall --yes pip \
    && rm -r "$(python3 -c 'import ensurepip; print(*ensurepip.__path__)')" \
    && python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash \
    "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
COPY --from=build /opt/syncer /opt/syncer
ENV PATH=/opt/syncer/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 65532:65532
ENTRYPOINT ["flux-gitlab-syncer"]
CMD ["run"]
