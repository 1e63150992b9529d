# Two stages: the first builds a virtual environment, the second holds nothing else that can be run.
FROM python:3.13-slim AS build
WORKDIR /source
COPY pyproject.toml setup.cfg constraints.txt README.md LICENSE ./
COPY reconcile reconcile
COPY cronjob cronjob
RUN python -m venv /opt/syncer \
    && /opt/syncer/bin/python -m pip install --no-cache-dir --constraint constraints.txt .

FROM python:3.13-slim
# The official image ships no byte code for the standard library, and a read-only root never gets any: without this
# every run would compile it again.
RUN python -m compileall -q -j 0 /usr/local/lib/python3.13
COPY --from=build /opt/syncer /opt/syncer
ENV PATH=/opt/syncer/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 65532:65532
ENTRYPOINT ["flux-gitlab-syncer"]
CMD ["run"]
