// Everything that Spotter works with, in one resource group. Run again, it changes nothing that is as it should be.
// What a person must do before and after is in ../README.md.

targetScope = 'resourceGroup'

@description('Start of every name: lower-case letters and digits.')
@minLength(3)
@maxLength(10)
param baseName string

@description('Region. It must offer the VM size below.')
param location string = resourceGroup().location

@description('Name of the workspace.')
param workspaceName string

@description('SKU of the workspace.')
param workspaceSku string = 'Basic'

@description('Name of the GPU cluster.')
param clusterName string = 'gpu-cluster'

@description('VM size of the GPU cluster: one NVIDIA T4 with 16 GB. The NC6 of older set-ups is retired.')
param vmSize string = 'Standard_NC4as_T4_v3'

@description('Nodes kept when nothing trains.')
param clusterMinNodes int = 0

@description('Most nodes at once.')
param clusterMaxNodes int = 5

@description('Seconds after which an idle node is given back.')
param clusterIdleSeconds int = 180

@description('Container into which the edge writes its pictures.')
param captureContainer string = 'captures'

@description('Datastore by which the workspace knows that container.')
param captureDatastore string = 'edgevisionstorage'

@description('Further storage accounts in this resource group with pictures that labeling exports or datastores point to.')
param pictureAccounts array = []

@description('SKU of the IoT Hub.')
param iotHubSku string = 'S1'

@description('Days that logs are kept.')
param logDays int = 90

@description('The bot\'s image. Empty until there is one in the registry and the secrets are in the vault: then all but the bot is made.')
param botImage string = ''

@description('Replicas of the bot.')
param botReplicas int = 1

@description('Whether the bot has a public address, for Slack in HTTP mode and for hooks.')
param botPublicAddress bool = false

@description('Size of the bot\'s PostgreSQL server.')
param databaseSize string = 'Standard_B1ms'

@description('Address of the Azure DevOps organisation.')
param devOpsUrl string = ''

@description('Azure DevOps project with the pipelines.')
param devOpsProject string = ''

@description('Issuer of the service connections, as Azure DevOps shows it, or empty until they exist.')
param connectionIssuer string = ''

@description('Subject identifier of the publish pipeline\'s service connection, or empty until it exists.')
param publishConnectionSubject string = ''

@description('Subject identifier of the edge pipeline\'s service connection, or empty until it exists.')
param edgeConnectionSubject string = ''

@description('Object id of the Entra group of people who label, or empty for none.')
param labelersGroupId string = ''

var suffix = uniqueString(resourceGroup().id)
var short = take(suffix, 8)
var tags = {
  application: 'spotter'
  deployment: baseName
}
var storeName = '${baseName}st${short}'
var captureStoreName = '${baseName}cap${short}'
var registryName = '${baseName}cr${suffix}'
var hubName = '${baseName}-hub-${short}'
var botVaultName = '${baseName}-bot-${short}'

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  params: {
    location: location
    logName: '${baseName}-log'
    insightsName: '${baseName}-insights'
    retentionDays: logDays
    tags: tags
  }
}

module store 'modules/storage.bicep' = {
  name: 'store'
  params: {
    location: location
    name: storeName
    containerName: ''
    recoverDays: 30
    logId: monitoring.outputs.logId
    tags: tags
  }
}

module captureStore 'modules/storage.bicep' = {
  name: 'capture-store'
  params: {
    location: location
    name: captureStoreName
    containerName: captureContainer
    recoverDays: 30
    logId: monitoring.outputs.logId
    tags: tags
  }
}

module workspaceVault 'modules/vault.bicep' = {
  name: 'workspace-vault'
  params: {
    location: location
    name: '${baseName}-ml-${short}'
    readByDeployments: false
    logId: monitoring.outputs.logId
    tags: tags
  }
}

// A vault of its own: the workspace's identity administers the one above.
module botVault 'modules/vault.bicep' = {
  name: 'bot-vault'
  params: {
    location: location
    name: botVaultName
    // The database is made with the password in it.
    readByDeployments: true
    logId: monitoring.outputs.logId
    tags: tags
  }
}

module registry 'modules/registry.bicep' = {
  name: 'registry'
  params: {
    location: location
    name: registryName
    logId: monitoring.outputs.logId
    tags: tags
  }
}

module workspace 'modules/workspace.bicep' = {
  name: 'workspace'
  params: {
    location: location
    name: workspaceName
    sku: workspaceSku
    storageId: store.outputs.id
    vaultId: workspaceVault.outputs.id
    insightsId: monitoring.outputs.insightsId
    registryId: registry.outputs.id
    logId: monitoring.outputs.logId
    tags: tags
  }
}

module hub 'modules/iot-hub.bicep' = {
  name: 'iot-hub'
  params: {
    location: location
    name: hubName
    sku: iotHubSku
    logId: monitoring.outputs.logId
    tags: tags
  }
}

module botIdentity 'modules/identity.bicep' = {
  name: 'bot-identity'
  params: {
    location: location
    name: '${baseName}-bot'
    tags: tags
  }
}

module clusterIdentity 'modules/identity.bicep' = {
  name: 'cluster-identity'
  params: {
    location: location
    name: '${baseName}-training'
    tags: tags
  }
}

module publisher 'modules/identity.bicep' = {
  name: 'publish-identity'
  params: {
    location: location
    name: '${baseName}-publish'
    issuer: connectionIssuer
    subject: publishConnectionSubject
    tags: tags
  }
}

module shipper 'modules/identity.bicep' = {
  name: 'edge-identity'
  params: {
    location: location
    name: '${baseName}-edge'
    issuer: connectionIssuer
    subject: edgeConnectionSubject
    tags: tags
  }
}

module roles 'modules/roles.bicep' = {
  name: 'roles'
  params: {
    workspaceName: workspaceName
    storeName: storeName
    registryName: registryName
    hubName: hubName
    botVaultName: botVaultName
    botId: botIdentity.outputs.principalId
    clusterId: clusterIdentity.outputs.principalId
    publisherId: publisher.outputs.principalId
    shipperId: shipper.outputs.principalId
    labelersGroupId: labelersGroupId
  }
  dependsOn: [
    workspace
    store
    registry
    hub
    botVault
  ]
}

module pictureRoles 'modules/picture-roles.bicep' = [for account in union([captureStoreName], pictureAccounts): {
  name: 'pictures-${account}'
  params: {
    accountName: account
    botId: botIdentity.outputs.principalId
    clusterId: clusterIdentity.outputs.principalId
    workspacePrincipalId: workspace.outputs.principalId
    labelersGroupId: labelersGroupId
  }
  dependsOn: [
    captureStore
  ]
}]

module cluster 'modules/gpu-cluster.bicep' = {
  name: 'gpu-cluster'
  params: {
    location: location
    workspaceName: workspaceName
    name: clusterName
    vmSize: vmSize
    minNodes: clusterMinNodes
    maxNodes: clusterMaxNodes
    idleSeconds: clusterIdleSeconds
    identityId: clusterIdentity.outputs.id
    tags: tags
  }
  dependsOn: [
    workspace
    roles
    pictureRoles
  ]
}

module datastore 'modules/datastore.bicep' = {
  name: 'datastore'
  params: {
    workspaceName: workspaceName
    name: captureDatastore
    accountName: captureStoreName
    containerName: captureContainer
  }
  dependsOn: [
    workspace
    captureStore
  ]
}

resource secrets 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: botVaultName
}

module database 'modules/database.bicep' = if (!empty(botImage)) {
  name: 'database'
  params: {
    location: location
    name: '${baseName}-db-${short}'
    size: databaseSize
    password: secrets.getSecret('postgres-password')
    logId: monitoring.outputs.logId
    tags: tags
  }
  dependsOn: [
    botVault
  ]
}

module bot 'modules/bot.bicep' = if (!empty(botImage)) {
  name: 'bot'
  params: {
    location: location
    name: '${baseName}-bot'
    image: empty(botImage) ? 'none' : botImage
    registry: registry.outputs.loginServer
    replicas: botReplicas
    publicAddress: botPublicAddress
    identityId: botIdentity.outputs.id
    identityClientId: botIdentity.outputs.clientId
    vaultUri: botVault.outputs.uri
    databaseUrl: empty(botImage) ? '' : database.outputs.url
    workspaceName: workspaceName
    iotHubHostName: hub.outputs.hostName
    devOpsUrl: devOpsUrl
    devOpsProject: devOpsProject
    logId: monitoring.outputs.logId
    tags: tags
  }
  dependsOn: [
    roles
  ]
}

@description('Host name of the IoT Hub: IOTHUB_HOSTNAME.')
output iotHubHostName string = hub.outputs.hostName

@description('Registry for the bot\'s and the modules\' images.')
output registry string = registry.outputs.loginServer

@description('Vault in which a person puts the bot\'s tokens and policy.')
output botVault string = botVaultName

@description('Application id for the publish pipeline\'s service connection.')
output publisherClientId string = publisher.outputs.clientId

@description('Application id for the edge pipeline\'s service connection.')
output shipperClientId string = shipper.outputs.clientId
