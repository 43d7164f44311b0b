package nchf

import "encoding/json"

// chargingData is a ChargingDataRequest, as far as it matters here. What else
// it holds is taken and passed over.
type chargingData struct {
	SubscriberIdentifier     string           `json:"subscriberIdentifier"`
	ChargingID               *int64           `json:"chargingId"`
	Consumer                 nfIdentification `json:"nfConsumerIdentification"`
	InvocationTimeStamp      string           `json:"invocationTimeStamp"`
	InvocationSequenceNumber *int64           `json:"invocationSequenceNumber"`
	RetransmissionIndicator  bool             `json:"retransmissionIndicator"`
	OneTimeEvent             bool             `json:"oneTimeEvent"`
	OneTimeEventType         string           `json:"oneTimeEventType"`
	NotifyURI                string           `json:"notifyUri"`
	MultipleUnitUsage        []unitUsage      `json:"multipleUnitUsage"`
	PDUSession               *pduSession      `json:"pDUSessionChargingInformation"`
	SMS                      *sms             `json:"sMSChargingInformation"`
}

type nfIdentification struct {
	NFName            string `json:"nFName"`
	NFFqdn            string `json:"nFFqdn"`
	NFIPv4Address     string `json:"nFIPv4Address"`
	NFIPv6Address     string `json:"nFIPv6Address"`
	NodeFunctionality string `json:"nodeFunctionality"`
}

// called is what the consumer calls itself.
func (n *nfIdentification) called() string {
	for _, name := range []string{n.NFName, n.NFFqdn, n.NFIPv4Address, n.NFIPv6Address} {
		if name != "" {
			return n.NodeFunctionality + " " + name
		}
	}
	return n.NodeFunctionality
}

type unitUsage struct {
	RatingGroup   *int64          `json:"ratingGroup"`
	RequestedUnit *units          `json:"requestedUnit"`
	Used          []usedContainer `json:"usedUnitContainer"`
}

// units are what is asked for, used or granted. Volumes are bytes, time is
// seconds.
type units struct {
	Time                 *int64 `json:"time,omitempty"`
	TotalVolume          *int64 `json:"totalVolume,omitempty"`
	UplinkVolume         *int64 `json:"uplinkVolume,omitempty"`
	DownlinkVolume       *int64 `json:"downlinkVolume,omitempty"`
	ServiceSpecificUnits *int64 `json:"serviceSpecificUnits,omitempty"`
}

type usedContainer struct {
	units
	QuotaManagementIndicator string      `json:"quotaManagementIndicator"`
	LocalSequenceNumber      json.Number `json:"localSequenceNumber"`
	Triggers                 []trigger   `json:"triggers"`
}

type trigger struct {
	TriggerType     string `json:"triggerType"`
	TriggerCategory string `json:"triggerCategory"`
}

type pduSession struct {
	ChargingID *int64 `json:"chargingId"`
	User       struct {
		GPSI string `json:"servedGPSI"`
	} `json:"userInformation"`
	Session struct {
		PDUSessionID *int64 `json:"pduSessionID"`
		DNN          string `json:"dnnId"`
		RATType      string `json:"ratType"`
	} `json:"pduSessionInformation"`
}

type sms struct {
	Reference  string `json:"sMMessageReference"`
	Recipients []struct {
		GPSI string `json:"recipientGPSI"`
		SUPI string `json:"recipientSUPI"`
	} `json:"recipientInfo"`
}
