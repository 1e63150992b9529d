"""HTTP as both clients use it: retry, rate limit, concurrency limit, total timeout, request counts."""
