package balance

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/policy"
	"tollhouse/billing/tenant"
)

// AdjustReason is one of the reasons that a person may choose from.
type AdjustReason struct {
	Code  string            `json:"code"`
	Names map[string]string `json:"names"`
}

// Name is what a reason is called in a language.
func (r AdjustReason) Name(language string) string {
	for _, l := range []string{language, "en"} {
		if name := r.Names[l]; name != "" {
			return name
		}
	}
	return r.Code
}

// AdjustLimit is how much people of a role may give or take of a unit: at once,
// and each of them in a day.
type AdjustLimit struct {
	Role   string        `json:"role"`
	Unit   money.Unit    `json:"unit"`
	PerAct money.Decimal `json:"per_act"`
	PerDay money.Decimal `json:"per_day"`
}

// AdjustPolicy is what an operator lays down about adjustments. A role without
// a limit for a unit may adjust any amount of it.
type AdjustPolicy struct {
	Reasons []AdjustReason `json:"reasons"`
	Limits  []AdjustLimit  `json:"limits"`
}

// ErrLimit means more than a person of this role may adjust: somebody with a
// higher limit has to do it.
var ErrLimit = errors.New("more than this role may adjust")

// ErrReasonCode means that the operator has a list of reasons, and this is
// none of them.
var ErrReasonCode = errors.New("an adjustment needs a reason from the operator's list")

// LimitError says what is left. It wraps ErrLimit.
type LimitError struct {
	Left money.Decimal
	Unit money.Unit
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%v: %s %s are left", ErrLimit, e.Left, e.Unit)
}

func (e *LimitError) Unwrap() error { return ErrLimit }

var reasonCodes = regexp.MustCompile(`^[a-z][a-z0-9-]{1,39}$`)

const maxEntries = 50

// Check names the field that is wrong.
func (p AdjustPolicy) Check() error {
	fault := func(list string, n int, field, want string) error {
		return &account.FieldError{Field: list + "." + strconv.Itoa(n) + "." + field, Want: want}
	}
	if len(p.Reasons) > maxEntries || len(p.Limits) > maxEntries {
		return &account.FieldError{Field: "reasons", Want: "at most 50 reasons and limits"}
	}
	seen := map[string]bool{}
	for i, r := range p.Reasons {
		switch {
		case !reasonCodes.MatchString(r.Code) || seen[r.Code]:
			return fault("reasons", i, "code", "2 to 40 small letters, digits and dashes that no other reason has")
		case r.Names["en"] == "":
			return fault("reasons", i, "names", "a name in English at least")
		}
		seen[r.Code] = true
	}
	for i, l := range p.Limits {
		key := l.Role + "/" + string(l.Unit)
		switch {
		case l.Role == "" || seen[key]:
			return fault("limits", i, "role", "a role that has no other limit of this unit")
		case !l.Unit.Valid():
			return fault("limits", i, "unit", "a currency, second, byte, event or point")
		case l.PerAct.Sign() < 0:
			return fault("limits", i, "per_act", "an amount, or zero for none")
		case l.PerDay.Cmp(l.PerAct) < 0:
			return fault("limits", i, "per_day", "an amount that is not below that of one act")
		}
		seen[key] = true
	}
	return nil
}

// PutAdjustPolicy stores what is laid down.
func PutAdjustPolicy(ctx context.Context, tx tenant.Tx, p AdjustPolicy, by string) error {
	if err := p.Check(); err != nil {
		return err
	}
	return policy.Save(ctx, tx, policy.Adjustment, p, by)
}

// GetAdjustPolicy reads it; nothing is laid down where there is none.
func GetAdjustPolicy(ctx context.Context, tx tenant.Tx) (p AdjustPolicy, err error) {
	_, err = policy.Load(ctx, tx, policy.Adjustment, &p)
	return p, err
}

// Act is an adjustment that somebody wants to make, of a balance or of the
// account itself (BucketID Nil).
type Act struct {
	ID        uuid.UUID // of the command
	Actor     string
	Role      string
	AccountID uuid.UUID
	BucketID  uuid.UUID
	Amount    money.Decimal // signed
	Unit      money.Unit
	Reason    string // its code; empty where the operator has no list
	Note      string
}

// Allow holds an adjustment against what the operator has laid down and notes
// it. Acts under a limit wait for one another, so that several at the same time
// cannot outrun it. ErrReasonCode and a *LimitError refuse; a repeat is allowed
// as before.
func Allow(ctx context.Context, tx tenant.Tx, a Act) error {
	var p AdjustPolicy
	if _, err := policy.LoadLocked(ctx, tx, policy.Adjustment, &p); err != nil {
		return err
	}
	if len(p.Reasons) > 0 && !slices.ContainsFunc(p.Reasons, func(r AdjustReason) bool { return r.Code == a.Reason }) {
		return ErrReasonCode
	}
	tag, err := tx.Exec(ctx, `
		insert into balance_act (id, kind, account_id, bucket_id, amount, unit, reason, note, actor, at)
		values ($1, 'adjustment', $2, nullif($3, '00000000-0000-0000-0000-000000000000'::uuid), $4, $5, $6, $7, $8, $9)
		on conflict (id) do nothing`, a.ID, a.AccountID, a.BucketID, a.Amount, string(a.Unit), a.Reason, a.Note, a.Actor, tx.At)
	if err != nil {
		return fmt.Errorf("note adjustment %s: %w", a.ID, err)
	}
	if tag.RowsAffected() == 0 {
		return nil
	}
	i := slices.IndexFunc(p.Limits, func(l AdjustLimit) bool { return l.Role == a.Role && l.Unit == a.Unit })
	if i < 0 {
		return nil
	}
	return p.Limits[i].admit(ctx, tx, a)
}

// Within says whether an act would stand within the limits of its role and what
// its actor has adjusted today. It is not noted.
func Within(ctx context.Context, tx tenant.Tx, a Act) (bool, error) {
	p, err := GetAdjustPolicy(ctx, tx)
	if err != nil {
		return false, err
	}
	i := slices.IndexFunc(p.Limits, func(l AdjustLimit) bool { return l.Role == a.Role && l.Unit == a.Unit })
	if i < 0 {
		return true, nil
	}
	today, err := adjustedToday(ctx, tx, a)
	if err != nil {
		return false, err
	}
	amount := a.Amount.Abs()
	return amount.Cmp(p.Limits[i].PerAct) <= 0 && today.Add(amount).Cmp(p.Limits[i].PerDay) <= 0, nil
}

// admit sums what the actor has adjusted today, this act with it. Giving and
// taking both count: neither makes room for the other.
func (l AdjustLimit) admit(ctx context.Context, tx tenant.Tx, a Act) error {
	today, err := adjustedToday(ctx, tx, a)
	if err != nil {
		return err
	}
	left := l.PerDay.Sub(today.Sub(a.Amount.Abs()))
	if l.PerAct.Cmp(left) < 0 {
		left = l.PerAct
	}
	if a.Amount.Abs().Cmp(left) <= 0 {
		return nil
	}
	if left.Sign() < 0 {
		left = money.Decimal{}
	}
	return &LimitError{Left: left, Unit: a.Unit}
}

// adjustedToday is what an act's actor has adjusted of its unit since the local
// day began.
func adjustedToday(ctx context.Context, tx tenant.Tx, a Act) (today money.Decimal, err error) {
	zone, err := ledger.Zone(ctx, tx)
	if err != nil {
		return today, err
	}
	from := calendar.DateOf(tx.At, zone).Start(zone)
	// balance_act_actor
	err = tx.QueryRow(ctx, `select coalesce(sum(abs(amount)), 0) from balance_act
		where actor = $1 and kind = 'adjustment' and unit = $2 and at >= $3`, a.Actor, string(a.Unit), from).Scan(&today)
	if err != nil {
		return today, fmt.Errorf("sum adjustments of %s: %w", a.Actor, err)
	}
	return today, nil
}
