package api

import (
	"context"

	"tollhouse/api/oapi"
	"tollhouse/billing/charging"
	"tollhouse/billing/charging/session"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// GetChargingPolicy implements oapi.StrictServerInterface.
func (s *Server) GetChargingPolicy(ctx context.Context, _ oapi.GetChargingPolicyRequestObject) (oapi.GetChargingPolicyResponseObject, error) {
	var p session.Policy
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		p, err = charging.GetPolicy(ctx, tx)
		return err
	})
	return oapi.GetChargingPolicy200JSONResponse(policyOf(p)), err
}

// PutChargingPolicy implements oapi.StrictServerInterface.
func (s *Server) PutChargingPolicy(ctx context.Context, r oapi.PutChargingPolicyRequestObject) (oapi.PutChargingPolicyResponseObject, error) {
	return nil, once(ctx, oapi.PutChargingPolicyResponseObject.VisitPutChargingPolicyResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutChargingPolicyResponseObject, error) {
		c := callOf(ctx)
		c.object, c.detail = "operator", map[string]any{"policy": r.Body}
		p := policyFrom(r.Body)
		if err := charging.PutPolicy(ctx, tx, p); err != nil {
			return nil, err
		}
		return oapi.PutChargingPolicy200JSONResponse{Body: policyOf(p)}, nil
	})
}

func policyOf(p session.Policy) oapi.ChargingPolicy {
	groups := mapped(p.Groups, func(g session.Group) oapi.RatingGroup {
		return oapi.RatingGroup{Number: g.Number, Name: optionalText(g.Name), Kind: oapi.RatingGroupKind(g.Kind), Destination: optionalText(g.Destination), Quality: optionalText(g.Quality)}
	})
	return oapi.ChargingPolicy{Voice: quotaOf(p.Voice), Data: quotaOf(p.Data), Message: quotaOf(p.Message), Content: quotaOf(p.Content),
		GraceSeconds: p.GraceSeconds, Groups: &groups}
}

func quotaOf(q session.Quota) oapi.QuotaPolicy {
	return oapi.QuotaPolicy{Units: q.Units, ValidSeconds: q.ValidSeconds, HoldSeconds: q.HoldSeconds, Final: finalUnit(q.Final)}
}

func policyFrom(p *oapi.ChargingPolicy) session.Policy {
	groups := mapped(value(p.Groups), func(g oapi.RatingGroup) session.Group {
		return session.Group{Number: g.Number, Name: value(g.Name), Kind: usage.Kind(g.Kind), Destination: value(g.Destination), Quality: value(g.Quality)}
	})
	return session.Policy{Voice: quotaFrom(p.Voice), Data: quotaFrom(p.Data), Message: quotaFrom(p.Message), Content: quotaFrom(p.Content),
		GraceSeconds: p.GraceSeconds, Groups: groups}
}

func quotaFrom(q oapi.QuotaPolicy) session.Quota {
	return session.Quota{Units: q.Units, ValidSeconds: q.ValidSeconds, HoldSeconds: q.HoldSeconds,
		Final: session.Final{Action: session.Action(q.Final.Action), RedirectTo: value(q.Final.RedirectTo), FilterID: value(q.Final.FilterId)}}
}
