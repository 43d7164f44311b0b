package api

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/account"
	"tollhouse/billing/migration"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
)

func migrationOf(m migration.Migration) oapi.Migration {
	return oapi.Migration{Id: m.ID, To: m.To, From: m.From, StartsOn: m.StartsOn, NoticeDays: m.NoticeDays, State: oapi.MigrationState(m.State),
		Reason: optionalText(m.Reason), CreatedBy: m.By, CreatedAt: m.CreatedAt, EndedAt: m.EndedAt}
}

func newMigration(id uuid.UUID, body oapi.NewMigration, by string) migration.New {
	return migration.New{ID: id, To: body.To, From: body.From, StartsOn: body.StartsOn, NoticeDays: value(body.NoticeDays), Reason: value(body.Reason), By: by}
}

// ListMigrations implements oapi.StrictServerInterface.
func (s *Server) ListMigrations(ctx context.Context, _ oapi.ListMigrationsRequestObject) (oapi.ListMigrationsResponseObject, error) {
	var list []migration.Migration
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		list, err = migration.List(ctx, tx)
		return err
	})
	return oapi.ListMigrations200JSONResponse{Items: mapped(list, migrationOf)}, err
}

// PlanMigration implements oapi.StrictServerInterface.
func (s *Server) PlanMigration(ctx context.Context, r oapi.PlanMigrationRequestObject) (oapi.PlanMigrationResponseObject, error) {
	return nil, once(ctx, oapi.PlanMigrationResponseObject.VisitPlanMigrationResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PlanMigrationResponseObject, error) {
		c := callOf(ctx)
		m, err := migration.Plan(ctx, tx, newMigration(uuid.Must(uuid.NewV7()), *r.Body, c.who.Actor()))
		c.about("migration", m.ID)
		return oapi.PlanMigration201JSONResponse{Body: migrationOf(m)}, err
	})
}

// PreviewMigration implements oapi.StrictServerInterface.
func (s *Server) PreviewMigration(ctx context.Context, r oapi.PreviewMigrationRequestObject) (oapi.PreviewMigrationResponseObject, error) {
	var effects []migration.Effect
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		effects, err = migration.Preview(ctx, tx, newMigration(uuid.Nil, *r.Body, ""))
		return err
	})
	return oapi.PreviewMigration200JSONResponse{Effects: mapped(effects, func(e migration.Effect) oapi.MigrationEffect {
		return oapi.MigrationEffect{From: e.From, Code: e.Code, Version: e.Version, Subscriptions: e.Subscriptions,
			Before: e.Before.String(), After: e.After.String(), Difference: e.Difference.String()}
	})}, err
}

// GetMigration implements oapi.StrictServerInterface.
func (s *Server) GetMigration(ctx context.Context, r oapi.GetMigrationRequestObject) (oapi.GetMigrationResponseObject, error) {
	var answer oapi.Migration
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		m, err := migration.Get(ctx, tx, r.Migration)
		if err != nil {
			return err
		}
		p, err := migration.ProgressOf(ctx, tx, m)
		answer = migrationOf(m)
		answer.Progress = &oapi.MigrationProgress{Waiting: p.Waiting, Told: p.Told, OptedOut: p.OptedOut, Scheduled: p.Scheduled, Skipped: p.Skipped, Changed: p.Changed}
		return err
	})
	return oapi.GetMigration200JSONResponse(answer), err
}

// CancelMigration implements oapi.StrictServerInterface.
func (s *Server) CancelMigration(ctx context.Context, r oapi.CancelMigrationRequestObject) (oapi.CancelMigrationResponseObject, error) {
	return nil, once(ctx, oapi.CancelMigrationResponseObject.VisitCancelMigrationResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CancelMigrationResponseObject, error) {
		callOf(ctx).about("migration", r.Migration)
		m, err := migration.Cancel(ctx, tx, r.Migration)
		return oapi.CancelMigration200JSONResponse{Body: migrationOf(m)}, err
	})
}

// OptOutOfMigration implements oapi.StrictServerInterface.
func (s *Server) OptOutOfMigration(ctx context.Context, r oapi.OptOutOfMigrationRequestObject) (oapi.OptOutOfMigrationResponseObject, error) {
	return nil, once(ctx, oapi.OptOutOfMigrationResponseObject.VisitOptOutOfMigrationResponse, func(ctx context.Context, tx tenant.Tx) (oapi.OptOutOfMigrationResponseObject, error) {
		callOf(ctx).about("subscription", r.Body.Subscription)
		return oapi.OptOutOfMigration204Response{}, migration.OptOut(ctx, tx, r.Migration, r.Body.Subscription, value(r.Body.Reason))
	})
}

// ListOptions implements oapi.StrictServerInterface.
func (s *Server) ListOptions(ctx context.Context, r oapi.ListOptionsRequestObject) (oapi.ListOptionsResponseObject, error) {
	var offers []onboarding.Offer
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		offers, err = onboarding.Options(ctx, tx, r.Subscription)
		return err
	})
	return oapi.ListOptions200JSONResponse{Items: mapped(offers, func(o onboarding.Offer) oapi.OptionOffer {
		return oapi.OptionOffer{Id: o.ID, Code: o.Code, Available: len(o.Obstacles) == 0, Obstacles: mapped(o.Obstacles, func(one onboarding.Obstacle) oapi.Obstacle {
			return oapi.Obstacle{Code: oapi.ObstacleCode(one.Code), Offering: optionalText(one.Offering), Reason: one.String()}
		})}
	})}, err
}

// EndPart implements oapi.StrictServerInterface.
func (s *Server) EndPart(ctx context.Context, r oapi.EndPartRequestObject) (oapi.EndPartResponseObject, error) {
	return nil, once(ctx, oapi.EndPartResponseObject.VisitEndPartResponse, func(ctx context.Context, tx tenant.Tx) (oapi.EndPartResponseObject, error) {
		callOf(ctx).about("subscription", r.Subscription)
		ended, err := onboarding.EndPart(ctx, tx, r.Subscription, r.Body.When == oapi.EndPartWhenNow)
		return oapi.EndPart200JSONResponse{Body: subscriptionOf(ended)}, err
	})
}

// partOf is what a subscription is to the one that it is part of.
func partOf(s account.Subscription) *oapi.SubscriptionPart {
	return unless("", oapi.SubscriptionPart(s.Part))
}
