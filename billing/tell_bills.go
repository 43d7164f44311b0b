package billing

import (
	"context"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/letter"
	"tollhouse/billing/tenant"
)

// tellAtOnce is how many bills one transaction mails.
const tellAtOnce = 500

// tellBills mails one portion of the bills of a run, which is what the item
// refers to.
func (s *Stack) tellBills(ctx context.Context, item agenda.Item) (again bool, err error) {
	err = s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		profile, err := account.GetProfile(ctx, tx)
		if err != nil {
			return err
		}
		again, err = s.Letters(profile).TellRun(ctx, tx, item.Ref, tellAtOnce)
		return err
	})
	return again, err
}

// Letters writes to subscribers in the operator's name.
func (s *Stack) Letters(profile account.Profile) letter.Desk {
	return letter.Desk{Profile: profile, Pages: s.host.config.PublicURL + "/t/" + s.Ref.Name + "/"}
}
