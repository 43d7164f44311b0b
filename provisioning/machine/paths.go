package machine

// Where machines speak to the control plane.
const (
	PathEnrol         = "/machine/v1/enrol"
	PathReport        = "/machine/v1/report"
	PathConfiguration = "/machine/v1/configuration"
	PathKeys          = "/machine/v1/keys"
	PathStandby       = "/machine/v1/standby"
	PathHosting       = "/machine/v1/hosting"
	PathHostingBills  = "/machine/v1/hosting/bills/" // and the bill's id
	PathTakeOuts      = "/machine/v1/take-outs/"     // and the take-out's id, and /parts
	PathDownloads     = "/downloads/"                // and the digest
)
