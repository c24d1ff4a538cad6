"""What must stand in Azure and Azure DevOps before anyone can train: compared with what stands there, and made.

Every step looks first and writes only what is missing or differs: all of it may be broken off anywhere and repeated.
"""
