"""The names and descriptions of the fault profiles, as `--faults` takes them. `named.start_faults` starts one."""

FAULT_PROFILES = {
    "rain": "5 % of the requests to GitLab are reset or answered 502",
    "storm": "20 % of the requests to GitLab and Kubernetes fail in every way known, some after they were handled",
    "ratelimit": "GitLab allows 15 requests in 3 seconds, says so in every answer, and answers 429 to all others",
    "maintenance": "GitLab answers 503 the first two times that a request is made",
    "flapping-kubernetes": "20 % of the requests to Kubernetes are reset or answered 410, 429, 500 or 503",
}
