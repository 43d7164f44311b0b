package enrol

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

// Invitation lets machines in.
type Invitation struct {
	ID        uuid.UUID
	Operator  tenant.ID
	Site      uuid.UUID // zero: of no site in a cloud
	Role      machine.Role
	Place     machine.Place
	Name      string // of the machine that comes
	Machines  int    // how many it lets in
	Used      int
	State     InvitationState
	Settings  Settings
	IssuedBy  string
	IssuedAt  time.Time
	ExpiresAt time.Time
	EndedAt   *time.Time
}

// OpenAt says whether it still lets somebody in.
func (i Invitation) OpenAt(at time.Time) bool { return i.State == Open && at.Before(i.ExpiresAt) }

// InvitationState is how far an invitation is.
type InvitationState string

// The states of an invitation. Its time ends without a change of state.
const (
	Open      InvitationState = "open"
	Used      InvitationState = "used"
	Withdrawn InvitationState = "withdrawn"
	Burnt     InvitationState = "burnt" // it came for another operator or purpose
)

// invitationMoves is the one table of what may follow what.
var invitationMoves = map[InvitationState][]InvitationState{Open: {Used, Withdrawn, Burnt}}

func (s InvitationState) may(to InvitationState) bool { return slices.Contains(invitationMoves[s], to) }

// How long an invitation is good.
const (
	UsualTime = time.Hour
	MaxTime   = 24 * time.Hour
)

// maxMachines is how many one invitation may let in.
const maxMachines = 100

// NewInvitation is one that is asked for.
type NewInvitation struct {
	Operator tenant.ID
	Site     uuid.UUID
	Role     machine.Role
	Place    machine.Place
	Name     string
	Machines int           // 1 if zero; more for workers only
	For      time.Duration // UsualTime if zero
	Replace  bool          // the operator's present host, where it has one
	Settings Settings
}

func (n *NewInvitation) check() error {
	var f faults
	n.Name = strings.TrimSpace(n.Name)
	if n.Machines == 0 {
		n.Machines = 1
	}
	if n.For == 0 {
		n.For = UsualTime
	}
	f.unless(slices.Contains(machine.Roles, n.Role), "role", "host, worker, standby or agent")
	f.unless(slices.Contains(machine.Places, n.Place), "place", "dedicated, colocation, appliance or customer")
	f.unless(n.Name != "" && len([]rune(n.Name)) <= maxName, "name", fmt.Sprintf("a name of 1 to %d characters", maxName))
	f.unless(n.For >= time.Minute && n.For <= MaxTime, "minutes", "1 minute to 24 hours")
	f.unless(n.Machines >= 1 && n.Machines <= maxMachines && (n.Machines == 1 || n.Role == machine.Worker), "machines",
		fmt.Sprintf("1, or up to %d workers", maxMachines))
	n.Settings.check(&f)
	return f.err()
}

const maxName = 80

// Issued is a new invitation, and the one time its token is told.
type Issued struct {
	Invitation
	Token string
}

// tokenPrefix tells people, and programs that look for lost secrets, what it is.
const tokenPrefix = "thenrol_"

func hashOf(token string) []byte {
	sum := sha256.Sum256([]byte(token)) // drawn at random, so that a plain hash is enough
	return sum[:]
}

// Issue makes an invitation. A host takes the place of the one before only
// where that was said.
func (d *Desk) Issue(ctx context.Context, tx tenants.Tx, by tenants.Actor, n NewInvitation) (Issued, error) {
	if err := n.check(); err != nil {
		return Issued{}, err
	}
	if _, err := tenants.GetOperator(ctx, tx, n.Operator); err != nil {
		return Issued{}, err
	}
	if n.Role == machine.Host && !n.Replace {
		if _, err := hostOf(ctx, tx, n.Operator); err == nil {
			return Issued{}, fmt.Errorf("invite a host of %s: %w", n.Operator, ErrHostStands)
		} else if !errors.Is(err, ErrNotFound) {
			return Issued{}, err
		}
	}
	i := Issued{Token: tokenPrefix + rand.Text(), Invitation: Invitation{ID: uuid.Must(uuid.NewV7()), Operator: n.Operator, Site: n.Site, Role: n.Role,
		Place: n.Place, Name: n.Name, Machines: n.Machines, State: Open, Settings: n.Settings, IssuedBy: by.String(), IssuedAt: tx.At, ExpiresAt: tx.At.Add(n.For)}}
	_, err := tx.Exec(ctx, `
		insert into enrolment (id, hash, operator_id, site_id, role, place, name, machines, settings, issued_by, issued_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		i.ID, hashOf(i.Token), n.Operator, optional(n.Site), n.Role, n.Place, n.Name, n.Machines, n.Settings, i.IssuedBy, tx.At, i.ExpiresAt)
	if err != nil {
		return Issued{}, fmt.Errorf("write invitation: %w", err)
	}
	return i, tenants.Record(ctx, tx, by, tenants.Entry{Action: "enrolment.issue", Object: i.ID,
		Detail: map[string]any{"operator": n.Operator, "role": n.Role, "place": n.Place, "machines": n.Machines, "expires_at": i.ExpiresAt}})
}

func optional(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

const invitationColumns = `id, operator_id, site_id, role, place, name, machines, used, state, settings, issued_by, issued_at, expires_at, ended_at`

func scanInvitation(row pgx.CollectableRow) (Invitation, error) {
	var i Invitation
	var site *uuid.UUID
	err := row.Scan(&i.ID, &i.Operator, &site, &i.Role, &i.Place, &i.Name, &i.Machines, &i.Used, &i.State, &i.Settings, &i.IssuedBy, &i.IssuedAt, &i.ExpiresAt, &i.EndedAt)
	if site != nil {
		i.Site = *site
	}
	i.IssuedAt, i.ExpiresAt = i.IssuedAt.UTC(), i.ExpiresAt.UTC()
	return i, err
}

func oneInvitation(ctx context.Context, tx tenants.Tx, where string, key any) (Invitation, error) {
	rows, err := tx.Query(ctx, `select `+invitationColumns+` from enrolment where `+where, key)
	if err != nil {
		return Invitation{}, fmt.Errorf("read invitation: %w", err)
	}
	i, err := pgx.CollectExactlyOneRow(rows, scanInvitation)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return Invitation{}, fmt.Errorf("read invitation: %w", err)
	}
	return i, nil
}

// GetInvitation reads an invitation; ErrNotFound if there is none.
func GetInvitation(ctx context.Context, tx tenants.Tx, id uuid.UUID) (Invitation, error) {
	return oneInvitation(ctx, tx, `id = $1`, id)
}

// Invitations lists invitations, newest first, those before an id (zero: from
// the newest).
func Invitations(ctx context.Context, tx tenants.Tx, before uuid.UUID, limit int) ([]Invitation, error) {
	if before == uuid.Nil {
		before = uuid.Max
	}
	rows, err := tx.Query(ctx, `select `+invitationColumns+` from enrolment where id < $1 order by id desc limit $2`, before, limit)
	if err != nil {
		return nil, fmt.Errorf("list invitations: %w", err)
	}
	return pgx.CollectRows(rows, scanInvitation)
}

// WithdrawInvitation ends an invitation. A repeat changes nothing.
func (d *Desk) WithdrawInvitation(ctx context.Context, tx tenants.Tx, by tenants.Actor, id uuid.UUID) (Invitation, error) {
	i, err := oneInvitation(ctx, tx, `id = $1 for update`, id)
	if err != nil || i.State == Withdrawn {
		return i, err
	}
	if !i.State.may(Withdrawn) {
		return Invitation{}, fmt.Errorf("withdraw invitation %s (%s): %w", id, i.State, ErrState)
	}
	if err := i.end(ctx, tx, Withdrawn); err != nil {
		return Invitation{}, err
	}
	return i, tenants.Record(ctx, tx, by, tenants.Entry{Action: "enrolment.withdraw", Object: id})
}

// end moves an invitation to its last state.
func (i *Invitation) end(ctx context.Context, tx tenants.Tx, to InvitationState) error {
	i.State, i.EndedAt = to, &tx.At
	return i.write(ctx, tx)
}

func (i *Invitation) write(ctx context.Context, tx tenants.Tx) error {
	done, err := tx.Exec(ctx, `update enrolment set state = $2, used = $3, ended_at = $4 where id = $1 and state = 'open'`, i.ID, i.State, i.Used, i.EndedAt)
	if err == nil && done.RowsAffected() != 1 {
		err = ErrState
	}
	if err != nil {
		return fmt.Errorf("move invitation %s to %s: %w", i.ID, i.State, err)
	}
	return nil
}
