package desk

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/identity"
	"tollhouse/billing/notice"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// contactFields are the facts of a party that the desk may change, in the
// order of the form. The law's own facts, such as a document's number, stay as
// they were shown.
var contactFields = []string{"party.name", "party.email", "party.phone", "party.language", "address.street", "address.postcode", "address.city", "address.region", "address.country"}

// contactFacts are those facts of a party.
func contactFacts(p account.Party) onboarding.Facts {
	return onboarding.Facts{"party.kind": string(p.Kind), "party.name": p.Name, "party.email": p.Email, "party.phone": p.Phone, "party.language": string(p.Language),
		"address.street": p.Address.Street, "address.postcode": p.Address.Postcode, "address.city": p.Address.City, "address.region": p.Address.Region, "address.country": p.Address.Country}
}

func contactForm(v *web.Visit, p *person, facts onboarding.Facts) form {
	f := p.form(v, "contact")
	f.submit = v.Reader.T("desk.contact.save")
	for _, field := range contactFields {
		f.fields = append(f.fields, factControl(v, field, facts[field], needed(field)))
	}
	return f
}

// needed says which of them a bill needs (onboarding's general list).
func needed(field string) bool {
	switch field {
	case "party.name", "address.street", "address.postcode", "address.city":
		return true
	}
	return false
}

func showContact(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	return contactForm(v, p, contactFacts(p.party)).show(v, http.StatusOK)
}

func sendContact(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	facts := contactFacts(p.party)
	for _, field := range contactFields {
		facts[field] = strings.TrimSpace(v.Form(formName(field)))
	}
	normalize(v, facts)
	f := contactForm(v, p, facts)
	for _, finding := range onboarding.Missing(contactRequirements(v.Profile.Country), facts, v.Reader.Today) {
		for i := range f.fields {
			if f.fields[i].Name == formName(finding.Field) {
				f.fields[i].Error = findingWords(v.Reader, finding)
			}
		}
	}
	changed := p.party
	changed.Name, changed.Email, changed.Phone, changed.Language = facts["party.name"], facts["party.email"], facts["party.phone"], account.Language(facts["party.language"])
	changed.Address = account.Address{Street: facts["address.street"], Postcode: facts["address.postcode"], City: facts["address.city"], Region: facts["address.region"], Country: facts["address.country"]}
	c := &command.Command{Action: "account.contact", Object: "account", ID: p.ID, Detail: map[string]any{"account": p.Number, "changed": changedFields(contactFacts(p.party), facts)}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		return v.Console(p.path(""), "done", "contact"), account.PutParty(ctx, tx, changed)
	}
	return f.settle(v, false, c, nil)
}

// changedFields names what is not as it was; the audit trail keeps no one's
// address.
func changedFields(before, after onboarding.Facts) []string {
	var changed []string
	for _, field := range contactFields {
		if before[field] != after[field] {
			changed = append(changed, field)
		}
	}
	return changed
}

// contactRequirements is what of the general list concerns contact.
func contactRequirements(country string) []onboarding.Requirement {
	var wanted []onboarding.Requirement
	for _, r := range onboarding.Requirements(anything, country) {
		for _, field := range contactFields {
			if r.Field == field {
				wanted = append(wanted, r)
			}
		}
	}
	return wanted
}

// userOf is the user who signs in for an account: the first of them.
func userOf(ctx context.Context, tx tenant.Tx, v *web.Visit, accountID uuid.UUID) (identity.User, bool, error) {
	users, err := v.Authority().UsersOfAccount(ctx, tx, accountID)
	if err != nil || len(users) == 0 {
		return identity.User{}, false, err
	}
	return users[0], true, nil
}

// resendView is what can be sent to a subscriber again.
type resendView struct {
	email   string
	keys    string
	bills   []ui.Choice
	user    *identity.User
	here    string
	address ui.Field // of a login to be made
	faults  []ui.Fault
}

func showResend(v *web.Visit) error { return answerResend(v, http.StatusOK, "", "") }

func answerResend(v *web.Visit, status int, typed, fault string) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	r := v.Reader
	view := resendView{email: p.party.Email, here: v.Console(p.path("resend")), keys: command.NewKey()}
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		user, found, err := userOf(ctx, tx, v, p.ID)
		if err != nil {
			return err
		}
		if found {
			view.user = &user
		}
		page, err := bill.List(ctx, tx, p.ID, bill.Cursor{}, latestEvents)
		for _, b := range page.Bills {
			view.bills = append(view.bills, ui.Choice{Value: b.ID.String(), Label: r.T("desk.resend.of", "number", b.Number, "amount", r.Money(b.Total))})
		}
		return err
	})
	if err != nil {
		return err
	}
	if typed == "" {
		typed = p.party.Email
	}
	view.address = ui.Field{ID: "email", Label: r.T("desk.login.email"), Kind: "email", Value: typed, Error: fault}
	view.faults = ui.FaultsOf(view.address)
	page, head := p.framed(v, "")
	page.Title = r.T("desk.act.resend")
	return v.Show(status, resendPage(page, head, view))
}

// sendAgain sends what the form names: a bill, an invitation, or help to sign in.
func sendAgain(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	switch v.Form("what") {
	case "bill":
		return p.sendBill(v, parseID(v.Form("bill")))
	case "login":
		return p.makeLogin(v)
	case "help":
		return p.helpToSignIn(v)
	}
	return answerResend(v, http.StatusUnprocessableEntity, "", "")
}

// sendBill mails that a bill is there, with the way to it.
func (p *person) sendBill(v *web.Visit, id uuid.UUID) error {
	if p.party.Email == "" {
		return answerResend(v, http.StatusUnprocessableEntity, "", "")
	}
	next, err := command.CarryOut(v, &command.Command{Action: "bill.send", Object: "bill", ID: id, Detail: map[string]any{"account": p.Number},
		Do: func(ctx context.Context, tx tenant.Tx) (string, error) {
			b, err := bill.Get(ctx, tx, id)
			if err == nil && b.AccountID != p.ID {
				err = bill.ErrNotFound
			}
			if err != nil {
				return "", err
			}
			return v.Console(p.path("messages"), "done", "sent"), v.Stack.Letters(v.Profile).Bill(ctx, tx, b, v.Who.Actor(), notice.Mail)
		}})
	if err != nil {
		return err
	}
	return v.Lead(next)
}

// makeLogin gives the subscriber a user of its own and mails the invitation.
func (p *person) makeLogin(v *web.Visit) error {
	email := strings.TrimSpace(v.Form("email"))
	next, err := command.CarryOut(v, &command.Command{Action: "login.create", Object: "account", ID: p.ID, Detail: map[string]any{"account": p.Number},
		Do: func(ctx context.Context, tx tenant.Tx) (string, error) {
			_, err := inviteSubscriber(ctx, tx, v, p.ID, p.party, email)
			return v.Console(p.path("messages"), "done", "login"), err
		}})
	switch {
	case errors.Is(err, identity.ErrEmail):
		return answerResend(v, http.StatusUnprocessableEntity, email, v.Reader.T("desk.login.email.not"))
	case errors.Is(err, identity.ErrEmailTaken):
		return answerResend(v, http.StatusUnprocessableEntity, email, v.Reader.T("desk.login.email.taken"))
	case err != nil:
		return err
	}
	return v.Lead(next)
}

// inviteSubscriber makes a user for an account, who chooses a password by the
// link that is mailed.
func inviteSubscriber(ctx context.Context, tx tenant.Tx, v *web.Visit, accountID uuid.UUID, party account.Party, email string) (identity.User, error) {
	language := string(party.Language)
	if language == "" {
		language = string(v.Profile.Language)
	}
	user, err := v.Authority().AddUser(ctx, tx, identity.NewUser{Email: email, Name: party.Name, Role: identity.Subscriber, AccountID: &accountID, Language: language})
	if err != nil {
		return user, err
	}
	return user, v.Authority().Invite(ctx, tx, user.ID, v.PublicLink(passwordPath))
}

// passwordPath is where links to choose a password lead; the token follows.
const passwordPath = "set-password?token="

// helpToSignIn mails the subscriber's user a link: to its first password, or to
// a new one.
func (p *person) helpToSignIn(v *web.Visit) error {
	var user identity.User
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		found, some, err := userOf(ctx, tx, v, p.ID)
		if err == nil && !some {
			err = identity.ErrUserNotFound
		}
		user = found
		return err
	})
	if err != nil {
		return err
	}
	reset := false
	next, err := command.CarryOut(v, &command.Command{Action: "login.help", Object: "account", ID: p.ID, Detail: map[string]any{"account": p.Number},
		Do: func(ctx context.Context, tx tenant.Tx) (string, error) {
			err := v.Authority().Invite(ctx, tx, user.ID, v.PublicLink(passwordPath))
			if errors.Is(err, identity.ErrNotInvited) {
				reset, err = true, nil
			}
			return v.Console(p.path("messages"), "done", "sent"), err
		}})
	if err != nil {
		return err
	}
	if reset { // its own transactions and pace: it tells nobody whether there is such a user
		err = v.Stack.SendReset(v.Context(), identity.ResetRequest{Email: user.Email, Address: v.Address(), Link: v.PublicLink(passwordPath)})
		if err != nil {
			return err
		}
	}
	return v.Lead(next)
}
