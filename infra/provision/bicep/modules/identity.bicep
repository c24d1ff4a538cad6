// An identity, and for a pipeline the service connection that may act as it: no secret to keep or renew.

@description('Region.')
param location string

@description('Name of the identity.')
param name string

@description('Issuer that the service connection in Azure DevOps shows, or empty for none.')
param issuer string = ''

@description('Subject identifier that the service connection in Azure DevOps shows, or empty for none.')
param subject string = ''

@description('Tags of every resource.')
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  location: location
  tags: tags
}

resource connection 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = if (!empty(subject)) {
  parent: identity
  name: 'azure-devops'
  properties: {
    issuer: issuer
    subject: subject
    audiences: [
      'api://AzureADTokenExchange'
    ]
  }
}

@description('Resource id of the identity.')
output id string = identity.id

@description('Application id, by which a client asks for this identity.')
output clientId string = identity.properties.clientId

@description('Object id, to which roles are given.')
output principalId string = identity.properties.principalId
