package openstack

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
)

// FromEnvironment is the name of the cloud that the variables OS_* describe, as
// OpenStack's own client has it.
const FromEnvironment = "envvars"

// Config is what a cloud is reached with.
type Config struct {
	Auth     gophercloud.AuthOptions
	Endpoint gophercloud.EndpointOpts
	TLS      *tls.Config
	// Mark is the tag of all that is ours. Installations that share a project
	// need marks of their own.
	Mark string
	// Network is the provider network that sites are joined to; empty: the one
	// external network there is.
	Network string
	// Image is what the boot volumes of sites are made from that name none.
	Image string

	Transport http.RoundTripper // beneath our retries; nil for the usual one
	Now       func() time.Time  // wall time
	Sleep     sleeper           // nil: time passes; tests from recorded answers don't wait
	Silence   time.Duration     // of Heat, after which it is asked again; zero: DefaultSilence
}

// DefaultMark is the tag of an installation that has a project to itself.
const DefaultMark = "tollhouse"

// DefaultImage is what the cloud calls the operating system that our installer
// knows, unless the settings name another.
const DefaultImage = "debian-12"

// Nova's tags have at most 60 characters, and a site's id takes its share.
var markPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,16}[a-z0-9]$`)

// CheckMark says what is wrong with a mark.
func CheckMark(mark string) error {
	if !markPattern.MatchString(mark) {
		return fmt.Errorf("is %q: 2 to 18 lower-case letters, digits and hyphens are wanted, a letter first", mark)
	}
	return nil
}

// ReadCloud reads a cloud of clouds.yaml, or FromEnvironment. The file is sought
// where OpenStack's own client seeks it.
func ReadCloud(name string) (Config, error) {
	c := Config{Mark: DefaultMark, Now: time.Now}
	var err error
	if name == FromEnvironment {
		c.Auth, err = authFromEnvironment()
		c.Endpoint = gophercloud.EndpointOpts{Region: os.Getenv("OS_REGION_NAME"), Availability: availability(os.Getenv("OS_INTERFACE"))}
	} else {
		c.Auth, c.Endpoint, c.TLS, err = clouds.Parse(clouds.WithCloudName(name))
	}
	if err != nil {
		return Config{}, fmt.Errorf("cloud %q: %w", name, err)
	}
	if err := complete(c.Auth); err != nil {
		return Config{}, fmt.Errorf("cloud %q: %w", name, err)
	}
	c.Auth.AllowReauth = true
	return c, nil
}

// complete refuses what Keystone would refuse, before anybody waits for it.
func complete(a gophercloud.AuthOptions) error {
	byCredential := a.ApplicationCredentialID != "" || a.ApplicationCredentialName != ""
	switch {
	case a.IdentityEndpoint == "":
		return errors.New("auth_url is missing: Keystone's address, as https://cloud.example:5000/v3")
	case a.TokenID != "":
		return errors.New("a token is no way to sign in for long: give a password or an application credential")
	case byCredential && a.ApplicationCredentialSecret == "":
		return errors.New("application_credential_secret is missing")
	case byCredential && a.ApplicationCredentialID == "" && a.Username == "" && a.UserID == "":
		return errors.New("an application credential by name needs the user it belongs to; its id needs none")
	case byCredential:
		return nil
	case a.Username == "" && a.UserID == "":
		return errors.New("neither a user nor an application credential is given")
	case a.Password == "":
		return errors.New("password is missing")
	case a.Scope == nil || a.Scope.ProjectID == "" && a.Scope.ProjectName == "":
		return errors.New("project_name or project_id is missing: sites are made in a project")
	case a.UserID == "" && a.DomainID == "" && a.DomainName == "":
		return errors.New("user_domain_name is missing")
	}
	return nil
}

func availability(face string) gophercloud.Availability {
	switch face {
	case "internal", "internalURL":
		return gophercloud.AvailabilityInternal
	case "admin", "adminURL":
		return gophercloud.AvailabilityAdmin
	}
	return gophercloud.AvailabilityPublic
}

// authFromEnvironment reads OS_*. The domains of user and project are told apart,
// which gophercloud's own reader does not do.
func authFromEnvironment() (gophercloud.AuthOptions, error) {
	get := func(names ...string) string {
		for _, name := range names {
			if value := os.Getenv(name); value != "" {
				return value
			}
		}
		return ""
	}
	a := gophercloud.AuthOptions{
		IdentityEndpoint: get("OS_AUTH_URL"),
		UserID:           get("OS_USER_ID", "OS_USERID"), Username: get("OS_USERNAME"), Password: get("OS_PASSWORD"),
		DomainID: get("OS_USER_DOMAIN_ID", "OS_DOMAIN_ID"), DomainName: get("OS_USER_DOMAIN_NAME", "OS_DOMAIN_NAME"),
		ApplicationCredentialID:     get("OS_APPLICATION_CREDENTIAL_ID"),
		ApplicationCredentialName:   get("OS_APPLICATION_CREDENTIAL_NAME"),
		ApplicationCredentialSecret: get("OS_APPLICATION_CREDENTIAL_SECRET"),
	}
	if a.IdentityEndpoint == "" {
		return a, errors.New("OS_AUTH_URL is not set")
	}
	if a.DomainID != "" {
		a.DomainName = "" // Keystone takes one of them
	}
	if id := get("OS_PROJECT_ID", "OS_TENANT_ID"); id != "" {
		a.Scope = &gophercloud.AuthScope{ProjectID: id}
	} else if name := get("OS_PROJECT_NAME", "OS_TENANT_NAME"); name != "" {
		a.Scope = &gophercloud.AuthScope{ProjectName: name, DomainID: get("OS_PROJECT_DOMAIN_ID", "OS_DOMAIN_ID")}
		if a.Scope.DomainID == "" {
			a.Scope.DomainName = get("OS_PROJECT_DOMAIN_NAME", "OS_DOMAIN_NAME")
		}
	}
	if a.ApplicationCredentialID != "" {
		// It names its user and project itself, and Keystone wants neither beside it.
		a.Scope, a.Username, a.UserID, a.Password, a.DomainID, a.DomainName = nil, "", "", "", "", ""
	}
	return a, nil
}
