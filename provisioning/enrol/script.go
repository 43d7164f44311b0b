package enrol

import (
	_ "embed"
	"fmt"
	"strings"

	"tollhouse/provisioning/machine"
)

// installer is the script that makes a machine ours. It is what cloud-init runs
// on a server's first start, and what a person pipes into a shell.
//
//go:embed script/install.sh
var installer string

// Installer is the script for people: whose machine it is, and the token, come
// from whoever runs it.
func (d *Desk) Installer() (string, error) { return d.script("", "", "") }

// UserData is the script for a new server of a cloud, token included. It is a
// secret until the token was used.
func (d *Desk) UserData(role machine.Role, operator, token string) (string, error) {
	return d.script(string(role), operator, "token="+quoted(token))
}

func (d *Desk) script(role, operator, token string) (string, error) {
	digest, err := d.Binary()
	if err != nil {
		return "", fmt.Errorf("digest of the program: %w", err)
	}
	return strings.NewReplacer("@CONTROL@", quoted(d.URL), "@DIGEST@", quoted(digest), "@ROLE@", quoted(role), "@OPERATOR@", quoted(operator),
		"@TOKEN@\n", token+"\n").Replace(installer), nil
}

// quoted is a text as a shell takes it literally.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// OneLine is what a person types on a machine to enrol it. The token comes in
// through a pipe: it stands on no command line that others on the machine see.
// Where the script cannot be fetched, the shell says so and fails.
func (d *Desk) OneLine(role machine.Role, operator, token string) string {
	return fmt.Sprintf("(echo token=%s; curl -fsS %s/install.sh || echo exit 1) | sudo sh -s -- %s %s", token, d.URL, role, operator)
}
