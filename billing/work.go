package billing

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"

	"tollhouse/billing/access"
	"tollhouse/billing/agenda"
	"tollhouse/billing/alert"
	"tollhouse/billing/balance"
	"tollhouse/billing/bill"
	"tollhouse/billing/charging"
	"tollhouse/billing/payment"
	"tollhouse/billing/points"
	"tollhouse/billing/promotion"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// handle works one bounded portion of an agenda item; again says that more of
// it is left. Each portion may be killed and run again.
func (s *Stack) handle(ctx context.Context, item agenda.Item) (again bool, err error) {
	switch item.Kind {
	case agenda.BillRun:
		return s.closeCycles(ctx, item)
	case agenda.CycleStart:
		return s.startCycles(ctx, item)
	case agenda.Migration:
		return s.migrate(ctx, item)
	case agenda.PartsDue:
		return s.workParts(ctx, item)
	case agenda.Renewal:
		return s.renew(ctx, item)
	case agenda.BucketExpiry:
		return s.expireBuckets(ctx, item)
	case agenda.PromotionDay:
		return s.workPromotionDay(ctx, item)
	case agenda.LateDay:
		return s.workLateDay(ctx, item)
	case agenda.DepositReview:
		return false, s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error { return bill.ReviewDeposit(ctx, tx, item.Ref) })
	case agenda.UsageFile:
		return false, s.ingestFile(ctx, item)
	case agenda.Webhook:
		return false, s.workWebhook(ctx, item)
	case agenda.Refund:
		_, err := s.host.till.SendRefund(ctx, s.Ref, item.Ref)
		return false, err
	case agenda.Intake:
		return s.host.intake.Work(ctx, s.Write, item, s.passwordLink())
	case agenda.SessionSweep:
		return s.sweepSessions(ctx)
	case agenda.SessionTell:
		return false, s.tellSession(ctx, item)
	case agenda.TellBills:
		return s.tellBills(ctx, item)
	case agenda.News:
		return s.spreadNews(ctx, item)
	case agenda.Trial:
		return s.workTrial(ctx, item)
	case agenda.Rerating:
		return s.workRerating(ctx, item)
	case agenda.Notice:
		return false, s.sendNotice(ctx, item)
	case agenda.AutoTopUp:
		return s.autoTopUp(ctx, item)
	case agenda.AutoPay:
		return false, s.autoPay(ctx, item)
	case agenda.StoredCard:
		return false, s.RefreshCard(ctx, item.Ref)
	case agenda.ProviderPoll:
		return false, s.pollProvider(ctx, item)
	case agenda.PointsEarned:
		return false, s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error { return points.Reckon(ctx, tx, item.Ref) })
	case agenda.ExpiryReminder:
		return s.remindOfExpiry(ctx, item)
	case agenda.VoucherExpiry:
		return s.expireVouchers(ctx, item)
	case agenda.ReportMail:
		return false, s.mailReport(ctx, item)
	case agenda.WebhookOut:
		return s.courier().Work(ctx)
	case agenda.Alert:
		return false, s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error { return alert.Act(ctx, tx, item.Ref) })
	case agenda.DunningDay:
		return s.dunningDay(ctx, item)
	case agenda.Dunning:
		return false, s.reviewDebt(ctx, item.Ref)
	case agenda.AccessTurn:
		return false, s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error { return access.Settle(ctx, tx, item.Ref) })
	case agenda.AccessTell:
		return false, s.tellAccess(ctx, item)
	}
	return false, fmt.Errorf("%w: %q", agenda.ErrKind, item.Kind)
}

func (s *Stack) workLateDay(ctx context.Context, item agenda.Item) (again bool, err error) {
	err = s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		again, err = bill.LateDay(ctx, tx, item, closeAtOnce)
		return err
	})
	return again, err
}

func (s *Stack) workPromotionDay(ctx context.Context, item agenda.Item) (again bool, err error) {
	err = s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		again, err = promotion.Day(ctx, tx, item, closeAtOnce)
		return err
	})
	return again, err
}

const expireAtOnce = 1000

func (s *Stack) expireBuckets(ctx context.Context, item agenda.Item) (again bool, err error) {
	err = s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		n, err := balance.Expire(ctx, tx, item.DueAt, expireAtOnce)
		again = n == expireAtOnce
		return err
	})
	return again, err
}

// ingestFile charges a received file. A file that is not what its source says
// is marked so for a person: trying again would not help.
func (s *Stack) ingestFile(ctx context.Context, item agenda.Item) error {
	err := s.host.charging.IngestFile(ctx, s.Write, charging.FileJob{
		File: item.Ref,
		Open: func(offset int64) (io.ReadCloser, error) { return s.readFile(item.Ref, offset) },
	})
	if errors.Is(err, usage.ErrFileDone) || errors.Is(err, usage.ErrEncoding) || errors.Is(err, usage.ErrHeader) {
		return nil
	}
	return err
}

func (s *Stack) workWebhook(ctx context.Context, item agenda.Item) error {
	var ref payment.EventRef
	if err := item.Read(&ref); err != nil {
		return err
	}
	return s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		outcome, err := payment.Work(ctx, tx, ref)
		if err != nil {
			return err
		}
		if outcome.State == payment.InboxParked {
			s.host.config.Log.Warn("webhook parked", "tenant", s.Ref.Name, "event", ref.ID, "reason", outcome.Reason)
		}
		return s.follow(ctx, tx, outcome)
	})
}

// follow does what follows from a payment that a webhook has booked.
func (s *Stack) follow(ctx context.Context, tx tenant.Tx, outcome payment.Outcome) error {
	if outcome.ToppedUp != uuid.Nil {
		return s.toppedUp(ctx, tx, outcome.ToppedUp, outcome.TopUp.Amount, outcome.TopUp.Intent)
	}
	if outcome.Billed != uuid.Nil {
		return s.billPaid(ctx, tx, outcome.Billed, outcome.TopUp.Amount, outcome.TopUp.Intent)
	}
	return nil
}
