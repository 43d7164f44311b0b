package machine

// Where machines speak to the control plane.
const (
	PathEnrol         = "/machine/v1/enrol"
	PathReport        = "/machine/v1/report"
	PathConfiguration = "/machine/v1/configuration"
	PathKeys          = "/machine/v1/keys"
	PathDownloads     = "/downloads/" // and the digest
)
