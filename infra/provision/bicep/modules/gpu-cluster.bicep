// GPU nodes for training: none while nothing trains.

@description('Region.')
param location string

@description('Name of the workspace.')
param workspaceName string

@description('Name of the cluster: 3 to 24 letters, digits and hyphens, not ending in a hyphen and digits.')
@minLength(3)
@maxLength(24)
param name string

@description('VM size. AutoML for Images needs a whole NVIDIA GPU.')
param vmSize string

@description('Nodes that are kept when nothing trains. Above 0 you pay for idle GPUs.')
@minValue(0)
param minNodes int

@description('Most nodes; each runs one trial. Your quota must cover them.')
@minValue(1)
@maxValue(100)
param maxNodes int

@description('Seconds after which an idle node is given back.')
@minValue(30)
param idleSeconds int

@description('Resource id of the identity that trainings run as.')
param identityId string

@description('Tags of every resource.')
param tags object

resource workspace 'Microsoft.MachineLearningServices/workspaces@2024-10-01' existing = {
  name: workspaceName
}

resource cluster 'Microsoft.MachineLearningServices/workspaces/computes@2024-10-01' = {
  parent: workspace
  name: name
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    computeType: 'AmlCompute'
    computeLocation: location
    disableLocalAuth: true
    properties: {
      vmSize: vmSize
      vmPriority: 'Dedicated'
      osType: 'Linux'
      // Nodes need a way out to the registry and the storage account; without a network of yours that is a public address.
      enableNodePublicIp: true
      remoteLoginPortPublicAccess: 'Disabled'
      scaleSettings: {
        minNodeCount: minNodes
        maxNodeCount: maxNodes
        nodeIdleTimeBeforeScaleDown: 'PT${idleSeconds}S'
      }
    }
  }
}
