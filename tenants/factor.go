package tenants

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/identity"
)

// Errors of second factors.
var (
	// ErrFactorWanted is wrapped by every FactorWantedError.
	ErrFactorWanted = errors.New("a code of the second factor is wanted")
	// ErrFactorCode means that a code is wrong, or was used already.
	ErrFactorCode = errors.New("the code is wrong, or was used already")
	// ErrFactorState means that there is a second factor already, or none.
	ErrFactorState = errors.New("there is a second factor already, or none to be confirmed")
)

// FactorWantedError says that the password was right and a code is wanted.
type FactorWantedError struct{ Challenge string }

func (e *FactorWantedError) Error() string { return ErrFactorWanted.Error() }

// Is lets errors.Is find ErrFactorWanted.
func (e *FactorWantedError) Is(target error) bool { return target == ErrFactorWanted }

const (
	challengeLife     = 5 * time.Minute
	challengeAttempts = 5
	recoveryCodes     = 10
	recoveryGroup     = 4 // characters; a code has four groups
)

// challenge notes that somebody has shown the password and owes the code.
func (s *Staff) challenge(ctx context.Context, user StaffUser) error {
	id := uuid.New() // nothing in it can be guessed, unlike a time-ordered one
	err := s.db.Write(ctx, func(ctx context.Context, tx Tx) error {
		if _, err := tx.Exec(ctx, `delete from staff_challenge where expires_at < $1`, tx.At); err != nil {
			return fmt.Errorf("forget old challenges: %w", err)
		}
		_, err := tx.Exec(ctx, `insert into staff_challenge (id, staff_id, expires_at) values ($1, $2, $3)`, id, user.ID, tx.At.Add(challengeLife))
		return err
	})
	if err != nil {
		return fmt.Errorf("note challenge: %w", err)
	}
	return &FactorWantedError{id.String()}
}

// CompleteSignIn takes the second factor, a code of the app or a recovery code.
// ErrFactorCode for a wrong one, ErrCredentials once the challenge is over: after
// five minutes or five tries.
func (s *Staff) CompleteSignIn(ctx context.Context, challenge, code string, place SignInPlace) (Session, error) {
	id, err := uuid.Parse(challenge)
	if err != nil {
		return Session{}, ErrCredentials
	}
	var user StaffUser
	refused := error(nil)
	err = s.db.Write(ctx, func(ctx context.Context, tx Tx) error {
		user, refused, err = s.meet(ctx, tx, id, code)
		return err
	})
	if err = errors.Join(err, refused); err != nil {
		return Session{}, err
	}
	return s.openSession(ctx, Actor{ID: user.ID, Email: user.Email, Role: user.Role}, user, place)
}

// meet counts the try, which stays counted when the code was wrong: refused is
// told apart from err, which undoes everything.
func (s *Staff) meet(ctx context.Context, tx Tx, challenge uuid.UUID, code string) (user StaffUser, refused, err error) {
	var staff uuid.UUID
	err = tx.QueryRow(ctx, `
		update staff_challenge set attempts = attempts + 1
		 where id = $1 and expires_at > $2 and attempts < $3
		returning staff_id`, challenge, tx.At, challengeAttempts).Scan(&staff)
	if errors.Is(err, pgx.ErrNoRows) {
		return user, ErrCredentials, nil
	}
	if err != nil {
		return user, nil, fmt.Errorf("meet challenge: %w", err)
	}
	if user, err = GetStaff(ctx, tx, staff); err != nil {
		return user, nil, err
	}
	right, err := s.takeCode(ctx, tx, staff, code)
	if err != nil {
		return user, nil, err
	}
	if !right || !user.Active {
		by := Actor{ID: user.ID, Email: user.Email}
		return user, ErrFactorCode, Record(ctx, tx, by, Entry{Action: "staff.factor_refused", Object: user.ID})
	}
	_, err = tx.Exec(ctx, `delete from staff_challenge where id = $1`, challenge)
	return user, nil, err
}

// takeCode says whether a code is right, and uses it up (RFC 6238, 5.2).
func (s *Staff) takeCode(ctx context.Context, tx Tx, staff uuid.UUID, code string) (bool, error) {
	var sealed []byte
	var last int64
	err := tx.QueryRow(ctx, `select sealed_totp, totp_last_step from staff_user where id = $1 and sealed_totp is not null for update`, staff).Scan(&sealed, &last)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read second factor: %w", err)
	}
	secret, err := s.seal.Open(factorContext(staff.String()), sealed)
	if err != nil {
		return false, fmt.Errorf("open second factor: %w", err)
	}
	step, err := identity.CheckTOTP(secret, code, tx.At)
	if err != nil {
		return false, err
	}
	if step > last {
		_, err := tx.Exec(ctx, `update staff_user set totp_last_step = $2 where id = $1`, staff, step)
		return err == nil, err
	}
	done, err := tx.Exec(ctx, `update staff_recovery_code set used_at = $3 where staff_id = $1 and hash = $2 and used_at is null`, staff, recoveryHash(code), tx.At)
	if err != nil {
		return false, fmt.Errorf("use recovery code: %w", err)
	}
	return done.RowsAffected() == 1, nil
}

func recoveryHash(code string) []byte {
	plain := strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(code))
	sum := sha256.Sum256([]byte(plain))
	return sum[:]
}

// HasFactor says whether a staff user has a second factor.
func HasFactor(ctx context.Context, tx Tx, staff uuid.UUID) (has bool, err error) {
	err = tx.QueryRow(ctx, `select totp_confirmed_at is not null from staff_user where id = $1`, staff).Scan(&has)
	if err != nil {
		return false, fmt.Errorf("look for second factor: %w", err)
	}
	return has, nil
}

// BeginFactor draws a second factor for oneself; it counts once ConfirmFactor
// has seen a code of it. ErrFactorState if there is one.
func (s *Staff) BeginFactor(ctx context.Context, tx Tx, by Actor) (identity.TOTPSetup, error) {
	secret, setup, err := identity.DrawTOTP("Tollhouse staff", by.Email)
	if err != nil {
		return setup, err
	}
	sealed, err := s.seal.Seal(factorContext(by.ID.String()), secret)
	if err != nil {
		return setup, fmt.Errorf("seal second factor: %w", err)
	}
	done, err := tx.Exec(ctx, `update staff_user set sealed_totp = $2, totp_last_step = 0 where id = $1 and totp_confirmed_at is null`, by.ID, sealed)
	if err != nil {
		return setup, fmt.Errorf("store second factor: %w", err)
	}
	if done.RowsAffected() == 0 {
		return setup, ErrFactorState
	}
	return setup, nil
}

// ConfirmFactor lets the drawn factor count and gives recovery codes, told this
// once. ErrFactorCode for a wrong code.
func (s *Staff) ConfirmFactor(ctx context.Context, tx Tx, by Actor, code string) ([]string, error) {
	has, err := HasFactor(ctx, tx, by.ID)
	if err != nil {
		return nil, err
	}
	if has {
		return nil, ErrFactorState
	}
	right, err := s.takeCode(ctx, tx, by.ID, code)
	if err != nil {
		return nil, err
	}
	if !right {
		return nil, ErrFactorCode
	}
	if _, err := tx.Exec(ctx, `update staff_user set totp_confirmed_at = $2 where id = $1`, by.ID, tx.At); err != nil {
		return nil, fmt.Errorf("confirm second factor: %w", err)
	}
	codes, err := drawRecovery(ctx, tx, by.ID)
	if err != nil {
		return nil, err
	}
	return codes, Record(ctx, tx, by, Entry{Action: "staff.factor_added", Object: by.ID})
}

func drawRecovery(ctx context.Context, tx Tx, staff uuid.UUID) ([]string, error) {
	if _, err := tx.Exec(ctx, `delete from staff_recovery_code where staff_id = $1`, staff); err != nil {
		return nil, fmt.Errorf("draw recovery codes: %w", err)
	}
	codes, hashes := make([]string, recoveryCodes), make([][]byte, recoveryCodes)
	for i := range codes {
		text := rand.Text()
		groups := make([]string, 4)
		for g := range groups {
			groups[g] = text[g*recoveryGroup : (g+1)*recoveryGroup]
		}
		codes[i] = strings.Join(groups, "-")
		hashes[i] = recoveryHash(codes[i])
	}
	_, err := tx.Exec(ctx, `insert into staff_recovery_code (staff_id, hash, made_at) select $1, h, $3 from unnest($2::bytea[]) as h`, staff, hashes, tx.At)
	if err != nil {
		return nil, fmt.Errorf("store recovery codes: %w", err)
	}
	return codes, nil
}

// RemoveFactor takes one's own second factor away, which wants the password.
func (s *Staff) RemoveFactor(ctx context.Context, by Actor, password string) error {
	if err := s.confirm(ctx, by, password); err != nil {
		return err
	}
	return s.db.Write(ctx, func(ctx context.Context, tx Tx) error {
		_, err := tx.Exec(ctx, `update staff_user set sealed_totp = null, totp_confirmed_at = null, totp_last_step = 0 where id = $1`, by.ID)
		if err != nil {
			return fmt.Errorf("remove second factor: %w", err)
		}
		if _, err := tx.Exec(ctx, `delete from staff_recovery_code where staff_id = $1`, by.ID); err != nil {
			return fmt.Errorf("remove second factor: %w", err)
		}
		return Record(ctx, tx, by, Entry{Action: "staff.factor_removed", Object: by.ID})
	})
}
