// PostgreSQL for the bot's records. SQLite needs a disk of its own: on the file shares that container apps can mount, its locks do not hold.

@description('Region.')
param location string

@description('Name of the server.')
param name string

@description('Size of the server.')
param size string

@description('Password of the bot\'s login, from the vault.')
@secure()
param password string

@description('Resource id of the Log Analytics workspace that takes the log.')
param logId string

@description('Tags of every resource.')
param tags object

var login = 'spotter'

resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2024-08-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: size
    tier: 'Burstable'
  }
  properties: {
    version: '16'
    administratorLogin: login
    administratorLoginPassword: password
    authConfig: {
      activeDirectoryAuth: 'Disabled'
      passwordAuth: 'Enabled'
    }
    storage: {
      storageSizeGB: 32
      autoGrow: 'Enabled'
    }
    backup: {
      backupRetentionDays: 14
      geoRedundantBackup: 'Disabled'
    }
    network: {
      publicNetworkAccess: 'Enabled'
    }
  }
}

resource tls 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2024-08-01' = {
  parent: server
  name: 'require_secure_transport'
  properties: {
    value: 'ON'
    source: 'user-override'
  }
}

resource records 'Microsoft.DBforPostgreSQL/flexibleServers/databases@2024-08-01' = {
  parent: server
  name: 'spotter'
  properties: {
    charset: 'UTF8'
    collation: 'en_US.utf8'
  }
}

// Container apps without a network of yours leave from changing addresses of Azure; 0.0.0.0 means those and no others.
resource fromAzure 'Microsoft.DBforPostgreSQL/flexibleServers/firewallRules@2024-08-01' = {
  parent: server
  name: 'azure-services'
  properties: {
    startIpAddress: '0.0.0.0'
    endIpAddress: '0.0.0.0'
  }
}

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: server
  properties: {
    workspaceId: logId
    logs: [
      {
        categoryGroup: 'allLogs'
        enabled: true
      }
    ]
  }
}

@description('DATABASE_URL without a password, which comes separately as PGPASSWORD.')
output url string = 'postgresql://${login}@${server.properties.fullyQualifiedDomainName}:5432/${records.name}?sslmode=require'
