"""Azure DevOps as Spotter needs it: one façade, `project.Project`, over raw REST calls.

Raw, because the azure-devops package has been quiet since 2023, takes 0.9 s to import, keeps a cache on disk, knows
no approvals, and would bring a second set of retries and errors beside those of `infra.http`.
"""
