package manifest

// VMNetworkAttachment is something to plug a network interface into.
type VMNetworkAttachment struct {
	Object
	Spec VMNetworkAttachmentSpec `json:"spec" check:"required" doc:"The network, per hypervisor."`
}

// VMNetworkAttachmentSpec is what a VMNetworkAttachment says.
type VMNetworkAttachmentSpec struct {
	Network      NetworkConfig    `json:"network" check:"required" doc:"Where the interface is plugged in, per hypervisor."`
	IPAllocation *IPAllocation    `json:"ipAllocation" doc:"How the guest gets its address."`
	Security     *NetworkSecurity `json:"security"`
	QoS          *NetworkQoS      `json:"qos"`
	Metadata     *NetworkMetadata `json:"metadata"`
}

// NetworkConfig has one block per hypervisor; a provider reads its own.
type NetworkConfig struct {
	VSphere *VSphereNet `json:"vsphere" doc:"Network on vSphere."`
	Libvirt *LibvirtNet `json:"libvirt" doc:"Network on libvirt."`
	Proxmox *ProxmoxNet `json:"proxmox" doc:"Network on Proxmox VE."`
	Type    string      `json:"type" check:"enum=bridged|nat|isolated|host-only|external,default=bridged"`
	MTU     int32       `json:"mtu" check:"range=68..9000,default=1500" doc:"Largest packet in bytes; applied only where it is written."`
}

// VSphereNet is a network on vSphere.
type VSphereNet struct {
	Portgroup         string             `json:"portgroup" check:"len=..255" doc:"Port group, standard or distributed."`
	DistributedSwitch *DistributedSwitch `json:"distributedSwitch" doc:"Distributed switch of the port group."`
	VLAN              *VLAN              `json:"vlan" doc:"VLAN of the port group."`
	AdapterType       string             `json:"adapterType" check:"enum=vmxnet3|e1000|e1000e,default=vmxnet3" doc:"Model of the interface."`
	PCISlotNumber     int32              `json:"pciSlotNumber" check:"range=32..1024" doc:"PCI slot of the interface."`
	Security          *SwitchSecurity    `json:"security"`
	TrafficShaping    *TrafficShaping    `json:"trafficShaping"`
}

// DistributedSwitch names a distributed switch.
type DistributedSwitch struct {
	Name          string `json:"name" check:"required,len=..255" doc:"Name of the switch."`
	UUID          string `json:"uuid"`
	PortgroupType string `json:"portgroupType" check:"enum=ephemeral|distributed"`
}

// VLAN is the VLAN of a port group.
type VLAN struct {
	Type            string  `json:"type" check:"enum=none|vlan|pvlan|trunk,default=none"`
	VLANID          int32   `json:"vlanID" check:"range=1..4094" doc:"VLAN number."`
	TrunkVLANIDs    []int32 `json:"trunkVlanIDs" check:"items=..100"`
	PrimaryVLANID   int32   `json:"primaryVlanID" check:"range=1..4094"`
	SecondaryVLANID int32   `json:"secondaryVlanID" check:"range=1..4094"`
}

// SwitchSecurity is the security policy of a port group.
type SwitchSecurity struct {
	AllowPromiscuous     bool `json:"allowPromiscuous" check:"default=false"`
	AllowMACChanges      bool `json:"allowMACChanges" check:"default=true"`
	AllowForgedTransmits bool `json:"allowForgedTransmits" check:"default=true"`
}

// TrafficShaping limits a port group. Bandwidths are bit/s, the burst is bytes.
type TrafficShaping struct {
	Enabled          bool  `json:"enabled" check:"default=false"`
	AverageBandwidth int64 `json:"averageBandwidth" check:"range=1000.."`
	PeakBandwidth    int64 `json:"peakBandwidth" check:"range=1000.."`
	BurstSize        int64 `json:"burstSize" check:"range=1024.."`
}

// LibvirtNet is a network on libvirt.
type LibvirtNet struct {
	NetworkName string            `json:"networkName" check:"len=..255" doc:"Network of libvirt."`
	Bridge      *LibvirtBridge    `json:"bridge" doc:"Bridge of the host; wins over networkName."`
	Model       string            `json:"model" check:"enum=virtio|e1000|e1000e|rtl8139|pcnet|ne2k_pci,default=virtio" doc:"Model of the interface."`
	Driver      *LibvirtDriver    `json:"driver"`
	FilterRef   *LibvirtFilterRef `json:"filterRef"`
}

// LibvirtBridge names a bridge of the hypervisor host.
type LibvirtBridge struct {
	Name  string `json:"name" check:"required,len=..15" doc:"Name of the bridge."`
	STP   bool   `json:"stp" check:"default=false"`
	Delay *int32 `json:"delay" check:"range=0..30"`
}

// LibvirtDriver tunes an interface.
type LibvirtDriver struct {
	Name      string `json:"name" check:"enum=kvm|vfio|uio"`
	Queues    int32  `json:"queues" check:"range=1..16"`
	TXMode    string `json:"txMode" check:"enum=iothread|timer"`
	IOEventFD *bool  `json:"ioEventFD"`
	EventIDX  *bool  `json:"eventIDX"`
}

// LibvirtFilterRef names a packet filter.
type LibvirtFilterRef struct {
	Filter     string            `json:"filter" check:"required,len=..255"`
	Parameters map[string]string `json:"parameters" check:"items=..20"`
}

// ProxmoxNet is a network on Proxmox VE.
type ProxmoxNet struct {
	Bridge    string `json:"bridge" check:"len=..15,pattern=vmbr" doc:"Bridge of the node."`
	Model     string `json:"model" check:"enum=virtio|e1000|rtl8139|vmxnet3,default=virtio"`
	VLANTag   int32  `json:"vlanTag" check:"range=1..4094" doc:"VLAN number."`
	Firewall  bool   `json:"firewall" check:"default=false"`
	RateLimit int32  `json:"rateLimit" check:"range=1.."` // MB/s
	MTU       int32  `json:"mtu" check:"range=68..65520"`
}

// IPAllocation is how the guest gets its address.
type IPAllocation struct {
	Type         string        `json:"type" check:"enum=DHCP|Static|Pool|None,default=DHCP" doc:"Where the address comes from."`
	StaticConfig *StaticConfig `json:"staticConfig" doc:"The address, for type Static."`
	PoolConfig   *PoolConfig   `json:"poolConfig"`
	DHCPConfig   *DHCPConfig   `json:"dhcpConfig"`
	DNSConfig    *DNSConfig    `json:"dnsConfig" doc:"Name servers and search domains."`
}

// StaticConfig is a fixed address.
type StaticConfig struct {
	Address string        `json:"address" check:"required,pattern=cidr4" doc:"Address with prefix length, such as 10.0.0.5/24."`
	Gateway string        `json:"gateway" check:"pattern=ipv4" doc:"Default gateway."`
	Routes  []StaticRoute `json:"routes" check:"items=..20" doc:"Further routes."`
}

// StaticRoute is one route of a guest.
type StaticRoute struct {
	Destination string `json:"destination" check:"required,pattern=cidr4" doc:"Network, such as 10.8.0.0/16."`
	Gateway     string `json:"gateway" check:"required,pattern=ipv4" doc:"Next hop."`
	Metric      *int32 `json:"metric" check:"range=0..65535" doc:"Cost of the route."`
}

// PoolConfig asks for an address from a pool.
type PoolConfig struct {
	PoolRef     LocalRef `json:"poolRef" check:"required"`
	PreferredIP string   `json:"preferredIP" check:"pattern=ipv4"`
}

// DHCPConfig is what the guest tells a DHCP server.
type DHCPConfig struct {
	ClientID string            `json:"clientID" check:"len=..255"`
	Hostname string            `json:"hostname" check:"len=..255"`
	Options  map[string]string `json:"options" check:"items=..20"`
}

// DNSConfig is the name resolution of a guest.
type DNSConfig struct {
	Servers       []string          `json:"servers" check:"items=..10" doc:"Name servers."`
	SearchDomains []string          `json:"searchDomains" check:"items=..10" doc:"Search domains."`
	Options       map[string]string `json:"options" check:"items=..10"`
}

// NetworkSecurity is the security policy of a network.
type NetworkSecurity struct {
	Firewall   *Firewall          `json:"firewall"`
	Isolation  *NetworkIsolation  `json:"isolation"`
	Encryption *NetworkEncryption `json:"encryption"`
}

// Firewall is a packet filter.
type Firewall struct {
	Enabled       bool           `json:"enabled" check:"default=false"`
	DefaultPolicy string         `json:"defaultPolicy" check:"enum=ACCEPT|DROP|REJECT,default=ACCEPT"`
	Rules         []FirewallRule `json:"rules" check:"items=..100"`
}

// FirewallRule is one rule of a packet filter.
type FirewallRule struct {
	Name            string     `json:"name" check:"required,len=..255"`
	Action          string     `json:"action" check:"required,enum=ACCEPT|DROP|REJECT"`
	Direction       string     `json:"direction" check:"required,enum=in|out|inout"`
	Protocol        string     `json:"protocol" check:"enum=tcp|udp|icmp|all"`
	SourceCIDR      string     `json:"sourceCIDR"`
	DestinationCIDR string     `json:"destinationCIDR"`
	Ports           *PortRange `json:"ports"`
	Priority        int32      `json:"priority" check:"range=1..1000"`
}

// PortRange is a range of ports; without an end it is one port.
type PortRange struct {
	Start int32 `json:"start" check:"required,range=1..65535"`
	End   int32 `json:"end" check:"range=1..65535"`
}

// NetworkIsolation says which networks may be reached.
type NetworkIsolation struct {
	Mode            string   `json:"mode" check:"enum=none|strict|custom"`
	AllowedNetworks []string `json:"allowedNetworks" check:"items=..50"`
	DeniedNetworks  []string `json:"deniedNetworks" check:"items=..50"`
}

// NetworkEncryption asks for an encrypted network.
type NetworkEncryption struct {
	Enabled  bool      `json:"enabled" check:"default=false"`
	Protocol string    `json:"protocol" check:"enum=ipsec|wireguard|openvpn"`
	KeyRef   *LocalRef `json:"keyRef"`
}

// NetworkQoS limits and marks the traffic. Limits are bit/s.
type NetworkQoS struct {
	IngressLimit int64  `json:"ingressLimit" check:"range=1000.."`
	EgressLimit  int64  `json:"egressLimit" check:"range=1000.."`
	Priority     *int32 `json:"priority" check:"range=0..7"`
	DSCP         *int32 `json:"dscp" check:"range=0..63"`
}

// NetworkMetadata describes a network to people.
type NetworkMetadata struct {
	DisplayName string            `json:"displayName" check:"len=..255"`
	Description string            `json:"description" check:"len=..1024"`
	Environment string            `json:"environment" check:"enum=dev|staging|prod|test|qa|uat"`
	Tags        map[string]string `json:"tags" check:"items=..50"`
}
