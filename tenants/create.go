package tenants

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
)

// Registry takes on operators.
type Registry struct {
	stacks     Stacks
	passwords  *identity.Passwords
	knownTaxes func(country string) bool
	now        func() time.Time
}

// Stacks has an operator's stack made. It is provisioning, which knows tenants
// and not the other way round.
type Stacks interface {
	// Request asks for a stack, in the transaction that takes on the operator.
	Request(ctx context.Context, tx pgx.Tx, operator tenant.ID, where Placement, at time.Time) error
	// Stand asks for the operator's standing, change number no, to be carried
	// into its stack, in the transaction that changes it.
	Stand(ctx context.Context, tx pgx.Tx, operator tenant.ID, no int64, at time.Time) error
	// Wake says that a request has been committed.
	Wake()
}

// Placement is where a new operator's stack is to be made.
type Placement struct {
	// Host names a host database; empty: the one with the most room.
	Host string
	// Own has machines of the operator's own make the stack. They are asked for
	// in the same transaction.
	Own bool
}

// NewRegistry makes the registry. knownTaxes says for which countries a stack
// brings tax rates of its own, so that an application may leave them out.
func NewRegistry(stacks Stacks, passwords *identity.Passwords, knownTaxes func(country string) bool, now func() time.Time) *Registry {
	return &Registry{stacks: stacks, passwords: passwords, knownTaxes: knownTaxes, now: now}
}

// Admission is an application that was found right, with the first password
// drawn for its owner.
type Admission struct {
	parsed
	password string
	hash     identity.PasswordHash
}

// Admit checks an application. It returns an *InvalidError with every field
// that is wrong. It stands apart from Create because hashing a password is no
// work to hold a transaction open for.
func (r *Registry) Admit(ctx context.Context, a Application) (Admission, error) {
	p, err := a.parse(r.now().UTC().Truncate(time.Microsecond), r.knownTaxes)
	if err != nil {
		return Admission{}, err
	}
	password, hash, err := firstPassword(ctx, r.passwords)
	return Admission{parsed: p, password: password, hash: hash}, err
}

// HouseName is the name of our own stack, whose subscribers are the operators.
const HouseName = "house"

// AdmitHouse checks the application of our own stack. Its name is HouseName, and
// its prices are without tax, as contracts are.
func (r *Registry) AdmitHouse(ctx context.Context, a Application) (Admission, error) {
	a.Name, a.PricesIncludeTax, a.house = HouseName, false, true
	return r.Admit(ctx, a)
}

// firstPassword draws a password that its user is told once.
func firstPassword(ctx context.Context, passwords *identity.Passwords) (string, identity.PasswordHash, error) {
	password := rand.Text()
	hash, err := passwords.Hash(ctx, password)
	if err != nil {
		return "", "", fmt.Errorf("hash first password: %w", err)
	}
	return password, hash, nil
}

// Is says whether an operator is as the application wants it. A sandbox's clock
// has gone on since, and is not compared.
func (a Admission) Is(o Operator) bool {
	want := a.operator(o.ID, System, o.CreatedAt)
	want.Settings.ClockAt, o.Settings.ClockAt = nil, nil
	wanted, err := json.Marshal(want.Settings)
	if err != nil {
		return false
	}
	has, err := json.Marshal(o.Settings)
	return err == nil && bytes.Equal(wanted, has) && want.Name == o.Name && want.DisplayName == o.DisplayName && want.LegalName == o.LegalName &&
		want.Country == o.Country && want.OwnerEmail == o.OwnerEmail && want.Sandbox == o.Sandbox
}

// Created is a new operator, and the one time its owner's first password is told.
type Created struct {
	Operator
	OwnerPassword string
}

// Create takes on an operator and requests its stack, both or neither;
// ErrNameTaken if another operator has the name.
func (r *Registry) Create(ctx context.Context, tx Tx, by Actor, a Admission) (Created, error) {
	return r.CreateAt(ctx, tx, by, tenant.NewID(), a, Placement{})
}

// CreateAt is Create with the id that the operator is to have and the place of
// its stack; ErrNameTaken also where another has the id.
func (r *Registry) CreateAt(ctx context.Context, tx Tx, by Actor, id tenant.ID, a Admission, where Placement) (Created, error) {
	o := a.operator(id, by, tx.At)
	if err := o.insert(ctx, tx, a.hash); err != nil {
		return Created{}, err
	}
	if err := r.stacks.Request(ctx, tx.Tx, o.ID, where, tx.At); err != nil {
		return Created{}, fmt.Errorf("request stack of %s: %w", o.Name, err)
	}
	tx.AfterCommit(r.stacks.Wake)
	detail := map[string]any{"name": o.Name, "country": o.Country, "sandbox": o.Sandbox}
	if where != (Placement{}) {
		detail["host"], detail["own_machines"] = where.Host, where.Own
	}
	err := Record(ctx, tx, by, Entry{Action: string(OperatorCreate), Object: uuid.UUID(o.ID), Detail: detail})
	return Created{Operator: o, OwnerPassword: a.password}, err
}

func (p parsed) operator(id tenant.ID, by Actor, at time.Time) Operator {
	return Operator{ID: id, Name: p.name, DisplayName: p.displayName, LegalName: p.legalName, Country: p.country,
		OwnerEmail: p.ownerEmail, Sandbox: p.sandbox, Settings: p.settings, CreatedBy: by.String(), CreatedAt: at,
		Standing: Standing{State: Active, GraceDays: p.graceDays}}
}

func (o Operator) insert(ctx context.Context, tx Tx, ownerPasswordHash identity.PasswordHash) error {
	var copyOf *uuid.UUID
	if !o.CopyOf.IsZero() {
		copyOf = (*uuid.UUID)(&o.CopyOf)
	}
	_, err := tx.Exec(ctx, `
		insert into operator (id, name, display_name, legal_name, country, owner_email, owner_password_hash,
		                      sandbox, settings, created_by, created_at, grace_days, copy_of)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		o.ID, o.Name, o.DisplayName, o.LegalName, o.Country, o.OwnerEmail, ownerPasswordHash,
		o.Sandbox, o.Settings, o.CreatedBy, o.CreatedAt, o.Standing.GraceDays, copyOf)
	if violates(err, "operator_name_key") || violates(err, "operator_pkey") {
		return fmt.Errorf("operator %s: %w", o.Name, ErrNameTaken)
	}
	if err != nil {
		return fmt.Errorf("insert operator %s: %w", o.Name, err)
	}
	return nil
}
