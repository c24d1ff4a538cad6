"""What we deploy: Azure resources in Bicep, Azure Pipelines, the bot's container image."""
