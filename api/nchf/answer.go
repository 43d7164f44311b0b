package nchf

import (
	"strconv"
	"time"

	"tollhouse/billing/charging/session"
)

// response is an answer in the standard's words.
func response(a session.Answer, unknown []int64) chargingDataResponse {
	out := chargingDataResponse{InvocationTimeStamp: a.At.Format(time.RFC3339Nano), InvocationSequenceNumber: a.Number, SessionFailover: "FAILOVER_SUPPORTED"}
	for i := range a.Services {
		if info, told := information(&a.Services[i], a.State); told {
			out.MultipleUnitInformation = append(out.MultipleUnitInformation, info)
		}
	}
	for _, group := range unknown {
		out.MultipleUnitInformation = append(out.MultipleUnitInformation, unitInformation{ResultCode: ratingFailed, RatingGroup: group})
	}
	return out
}

// information is what one rating group is told. Use that was reported without a
// request for more needs no answer, unless it could not be priced.
func information(g *session.Given, state session.State) (unitInformation, bool) {
	group, err := strconv.ParseInt(g.Service, 10, 64)
	if err != nil {
		return unitInformation{}, false // a service that another way of asking began
	}
	out := unitInformation{ResultCode: resultCode(g), RatingGroup: group}
	if g.Result == session.Reported {
		return out, state == session.Open
	}
	if g.Granted > 0 {
		out.GrantedUnit = grantedUnit(g)
		out.ValidityTime, out.QuotaHoldingTime = g.ValidSeconds, g.HoldSeconds
		out.Triggers = []trigger{{"QUOTA_EXHAUSTED", "IMMEDIATE_REPORT"}, {"VALIDITY_TIME", "IMMEDIATE_REPORT"}}
		if g.HoldSeconds > 0 {
			out.Triggers = append(out.Triggers, trigger{"QHT", "IMMEDIATE_REPORT"})
		}
		out.thresholds(g)
	}
	if g.Final != nil {
		out.FinalUnitIndication = finalUnit(g.Final)
	}
	return out, true
}

// thresholds lets a consumer ask in time: when a tenth of its quota is left.
func (i *unitInformation) thresholds(g *session.Given) {
	if g.Final != nil {
		return
	}
	switch g.Unit {
	case "second":
		i.TimeQuotaThreshold = g.Granted / 10
	case "byte":
		i.VolumeQuotaThreshold = g.Granted / 10
	}
}

func resultCode(g *session.Given) string {
	switch g.Result {
	case session.Granted, session.Reported:
		return success
	case session.NoCredit, session.CapReached:
		return quotaLimitReached
	case session.NotAllowed:
		return endUserDenied
	case session.NotPriced:
		return ratingFailed
	}
	return ratingFailed
}

func grantedUnit(g *session.Given) *units {
	n := g.Granted
	switch g.Unit {
	case "second":
		return &units{Time: &n}
	case "byte":
		return &units{TotalVolume: &n}
	default:
		return &units{ServiceSpecificUnits: &n}
	}
}

func finalUnit(f *session.Final) *finalUnitIndication {
	switch f.Action {
	case session.Redirect:
		return &finalUnitIndication{FinalUnitAction: "REDIRECT", RedirectServer: &redirectServer{"URL", f.RedirectTo}}
	case session.Restrict:
		return &finalUnitIndication{FinalUnitAction: "RESTRICT_ACCESS", FilterID: f.FilterID}
	default:
		return &finalUnitIndication{FinalUnitAction: "TERMINATE"}
	}
}

// refusal is a ProblemDetails for a request of which nothing was granted; nil if
// it may stand. A create that gets nothing leaves no session.
func refusal(a *session.Answer, unknown []int64) *ProblemDetails {
	if len(a.Services)+len(unknown) == 0 {
		return nil
	}
	worst := ""
	for i := range a.Services {
		switch a.Services[i].Result {
		case session.Granted, session.Reported:
			return nil
		case session.NoCredit, session.CapReached:
			if f := a.Services[i].Final; f != nil && f.Action != session.EndService {
				return nil // the consumer is told where to lead the subscriber
			}
			worst = QuotaLimitReached
		case session.NotAllowed:
			worst = EndUserDenied
		case session.NotPriced:
			if worst == "" {
				worst = NotApplicable
			}
		}
	}
	if worst == "" {
		worst = NotApplicable
	}
	return problemOf(worst)
}

func problemOf(cause string) *ProblemDetails {
	switch cause {
	case QuotaLimitReached:
		return &ProblemDetails{Title: "The balance gives nothing", Status: 403, Cause: cause}
	case EndUserDenied:
		return &ProblemDetails{Title: "The subscriber has no active service", Status: 403, Cause: cause}
	case UserUnknown:
		return &ProblemDetails{Title: "Nobody has this identity", Status: 404, Cause: cause}
	case NotApplicable:
		return &ProblemDetails{Title: "What is asked for has no price", Status: 403, Cause: cause}
	case ReferenceUnknown:
		return &ProblemDetails{Title: "There is no such charging data", Status: 404, Cause: cause}
	default:
		return &ProblemDetails{Title: "Charging failed", Status: 500, Cause: ChargingFailed}
	}
}
