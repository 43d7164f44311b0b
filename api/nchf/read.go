package nchf

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"tollhouse/billing/charging/session"
	"tollhouse/billing/usage"
)

// missing says that an element that must be there is not.
func missing(param string) error {
	return &ProblemDetails{Title: "An element is missing", Status: 400, Cause: MandatoryIEMissing,
		Detail: param + " is missing", InvalidParams: []InvalidParam{{param, "is missing"}}}
}

func incorrect(param, want string) *ProblemDetails {
	return &ProblemDetails{Title: "An element is not as the standard has it", Status: 400, Cause: MandatoryIEIncorrect,
		Detail: param + ": " + want + " is wanted", InvalidParams: []InvalidParam{{param, want + " is wanted"}}}
}

// read takes in a request and finds what is missing of it.
func read(body []byte) (*chargingData, error) {
	var d chargingData
	if err := json.Unmarshal(body, &d); err != nil {
		return nil, &ProblemDetails{Title: "The request cannot be read", Status: 400, Cause: InvalidMsgFormat, Detail: err.Error()}
	}
	switch {
	case d.Consumer.NodeFunctionality == "":
		return nil, missing("/nfConsumerIdentification/nodeFunctionality")
	case d.InvocationTimeStamp == "":
		return nil, missing("/invocationTimeStamp")
	case d.InvocationSequenceNumber == nil:
		return nil, missing("/invocationSequenceNumber")
	case *d.InvocationSequenceNumber < 0 || *d.InvocationSequenceNumber > math.MaxUint32:
		return nil, incorrect("/invocationSequenceNumber", "a number of 32 bits")
	}
	return &d, nil
}

// identity reads a SUPI or GPSI: imsi-..., nai-..., msisdn-..., extid-....
func identity(text string) (usage.Identity, bool) {
	scheme, rest, found := strings.Cut(text, "-")
	if !found || rest == "" {
		return usage.Identity{}, false
	}
	switch scheme {
	case "imsi":
		return usage.Identity{Kind: usage.IMSI, Value: rest}, true
	case "msisdn":
		return usage.Identity{Kind: usage.MSISDN, Value: "+" + strings.TrimPrefix(rest, "+")}, true
	case "nai", "extid":
		return usage.Identity{Kind: usage.Login, Value: rest}, true
	}
	return usage.Identity{}, false
}

// who is whom the request is about: its SUPI, or the number it was served under.
func (d *chargingData) who() (usage.Identity, error) {
	text := d.SubscriberIdentifier
	if text == "" && d.PDUSession != nil {
		text = d.PDUSession.User.GPSI
	}
	if text == "" {
		return usage.Identity{}, missing("/subscriberIdentifier")
	}
	who, ok := identity(text)
	if !ok {
		return usage.Identity{}, incorrect("/subscriberIdentifier", "imsi-, nai-, msisdn- or extid- and a value")
	}
	return who, nil
}

// step is the request as a step of a session. Groups that the policy does not
// know are left out; unknown lists them.
func (d *chargingData) step(kind session.Kind, policy *session.Policy) (step session.Step, unknown []int64, err error) {
	at, err := time.Parse(time.RFC3339Nano, d.InvocationTimeStamp)
	if err != nil {
		return step, nil, incorrect("/invocationTimeStamp", "a date and time such as 2026-05-04T12:00:00Z")
	}
	step = session.Step{Kind: kind, Number: *d.InvocationSequenceNumber, At: at.UTC(), Consumer: d.Consumer.called(), NotifyURI: d.NotifyURI}
	seen := map[int64]bool{}
	for i := range d.MultipleUnitUsage {
		u := &d.MultipleUnitUsage[i]
		param := fmt.Sprintf("/multipleUnitUsage/%d", i)
		if u.RatingGroup == nil {
			return step, nil, missing(param + "/ratingGroup")
		}
		if *u.RatingGroup < 0 || *u.RatingGroup > math.MaxUint32 {
			return step, nil, incorrect(param+"/ratingGroup", "a number of 32 bits")
		}
		if seen[*u.RatingGroup] {
			return step, nil, incorrect(param+"/ratingGroup", "each rating group once")
		}
		seen[*u.RatingGroup] = true
		group, known := policy.Group(*u.RatingGroup)
		if !known {
			unknown = append(unknown, *u.RatingGroup)
			continue
		}
		report, err := d.report(u, group, kind, param)
		if err != nil {
			return step, nil, err
		}
		step.Reports = append(step.Reports, report)
	}
	return step, unknown, nil
}

func (d *chargingData) report(u *unitUsage, group session.Group, kind session.Kind, param string) (session.Report, error) {
	r := session.Report{Service: serviceName(group.Number), Kind: group.Kind, Destination: group.Destination, Quality: group.Quality}
	if r.Destination == "" {
		r.Destination = d.destination(group.Kind)
	}
	for i := range u.Used {
		used, err := u.Used[i].amount(group.Kind, fmt.Sprintf("%s/usedUnitContainer/%d", param, i))
		if err != nil {
			return r, err
		}
		r.Used += used
	}
	if u.RequestedUnit != nil && (!kind.Ends() || kind == session.Event) {
		r.Ask = true
		asked, err := u.RequestedUnit.amount(group.Kind, param+"/requestedUnit")
		if err != nil {
			return r, err
		}
		r.Units = asked
	}
	return r, nil
}

// serviceName is a rating group as a session names its service.
func serviceName(group int64) string { return strconv.FormatInt(group, 10) }

// destination is what is reached, where the group does not say it: the data
// network, or who gets the message.
func (d *chargingData) destination(kind usage.Kind) string {
	switch {
	case kind == usage.Data && d.PDUSession != nil:
		return d.PDUSession.Session.DNN
	case kind == usage.Message && d.SMS != nil && len(d.SMS.Recipients) > 0:
		if to, ok := identity(d.SMS.Recipients[0].GPSI); ok {
			return to.Value
		}
	}
	return ""
}

// amount is what units say in the unit of a kind of usage.
func (u *units) amount(kind usage.Kind, param string) (int64, error) {
	value := func(n *int64, name string) (int64, error) {
		if n == nil {
			return 0, nil
		}
		if *n < 0 || *n > 1<<60 {
			return 0, incorrect(param+"/"+name, "a number of units, 0 or more")
		}
		return *n, nil
	}
	switch kind {
	case usage.Voice:
		return value(u.Time, "time")
	case usage.Data:
		if u.TotalVolume != nil {
			return value(u.TotalVolume, "totalVolume")
		}
		up, err := value(u.UplinkVolume, "uplinkVolume")
		if err != nil {
			return 0, err
		}
		down, err := value(u.DownlinkVolume, "downlinkVolume")
		return up + down, err
	default:
		return value(u.ServiceSpecificUnits, "serviceSpecificUnits")
	}
}

// name tells what a consumer creates apart: by its charging id, for people, and
// by all that the request says. A retransmission says the same.
func (d *chargingData) name(body []byte) string {
	var said map[string]any
	if json.Unmarshal(body, &said) == nil {
		delete(said, "retransmissionIndicator")
		body, _ = json.Marshal(said) // keys in order: what was read can be written
	}
	sum := sha256.Sum256(body)
	name := hex.EncodeToString(sum[:16])
	id := d.ChargingID
	if id == nil && d.PDUSession != nil {
		id = d.PDUSession.ChargingID
	}
	if id != nil {
		name = strconv.FormatInt(*id, 10) + "/" + name
	}
	return name
}
