package intake

import (
	"net/mail"
	"strings"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
)

func (c *content) user(r row) {
	owner := c.owner(r)
	email := r.needed("email")
	if address, err := mail.ParseAddress(email); email != "" && (err != nil || address.Address != email) {
		r.fault("email", Wrong, "an email address such as ada@example.com")
		return
	}
	invite := r.oneOf("invite", "no", "yes", "no") == "yes"
	if owner == nil || email == "" || !c.once(r, "email", strings.ToLower(email)) {
		return
	}
	owner.users = append(owner.users, user{
		email: email, name: withDefault(r.line1("name"), owner.account.Party.Name), invite: invite,
		language: account.Language(r.oneOf("language", string(owner.account.Party.Language), "en", "id", "ru")),
	})
	c.world.wantedEmails = append(c.world.wantedEmails, wantedEmail{strings.ToLower(email), r})
}

func (c *content) document(r row) {
	owner := c.owner(r)
	number, file := r.needed("number"), r.needed("file")
	issued, dated := r.neededDate("date")
	total, priced := r.neededDecimal("total", c.digits())
	if dated && issued.After(c.world.today) {
		r.fault("date", Wrong, "a day up to today")
	}
	if owner == nil || number == "" || file == "" || !dated || !priced || !c.once(r, "number", owner.account.Number, number) {
		return
	}
	d := document{file: file, ImportedDocument: bill.ImportedDocument{
		ID: c.id("document", owner.account.Number, number), AccountID: owner.account.ID, Number: number, Issued: issued, Total: c.amount(total), FileName: file,
	}}
	owner.documents = append(owner.documents, d)
	c.archive.wanted = append(c.archive.wanted, wantedFile{file, r})
}

// matchDocuments holds the manifest against the archives, both ways.
func (c *content) matchDocuments() {
	used := map[string]bool{}
	for _, w := range c.archive.wanted {
		switch {
		case used[w.file]:
			w.fault("file", Twice, "a PDF for each document")
		case c.archive.files[w.file] == nil:
			w.fault("file", UnknownName, "")
		}
		used[w.file] = true
	}
	for _, name := range c.archive.order {
		if !used[name] {
			c.found.add(Finding{File: c.archive.files[name].archive, Column: name, Code: UnknownName, Value: name, Want: "a line of a documents file that names it"})
		}
	}
}
