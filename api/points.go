package api

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/points"
	"tollhouse/billing/tenant"
)

// GetPoints implements oapi.StrictServerInterface.
func (s *Server) GetPoints(ctx context.Context, r oapi.GetPointsRequestObject) (oapi.GetPointsResponseObject, error) {
	var out oapi.Points
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		if err := accountExists(ctx, tx, r.Account); err != nil {
			return err
		}
		programme, err := points.Get(ctx, tx)
		if err != nil {
			return err
		}
		have, buckets, err := points.Have(ctx, tx, r.Account)
		out = oapi.Points{Points: have, Buckets: mapped(buckets, bucketOf), Rewards: mapped(programme.Rewards, rewardOf)}
		return err
	})
	return oapi.GetPoints200JSONResponse(out), err
}

func rewardOf(r points.Reward) oapi.Reward {
	out := oapi.Reward{Code: r.Code, Names: r.Names, Points: r.Points, Days: unless(0, r.Days), Option: optionalText(r.Option)}
	if r.Unit != "" {
		gives := quantity(r.Amount, r.Unit)
		out.Gives = &gives
	}
	return out
}

// BurnPoints implements oapi.StrictServerInterface.
func (s *Server) BurnPoints(ctx context.Context, r oapi.BurnPointsRequestObject) (oapi.BurnPointsResponseObject, error) {
	id := uuid.Must(uuid.NewV7())
	return nil, once(ctx, oapi.BurnPointsResponseObject.VisitBurnPointsResponse, func(ctx context.Context, tx tenant.Tx) (oapi.BurnPointsResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		c.note("reward", r.Body.Reward)
		reward, err := c.stack.BurnPoints(ctx, tx, points.Burn{ID: id, AccountID: r.Account, Reward: r.Body.Reward, By: c.who.Actor()})
		return oapi.BurnPoints201JSONResponse{Body: rewardOf(reward)}, err
	})
}
