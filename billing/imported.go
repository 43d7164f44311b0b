package billing

// passwordLink begins the address at which a subscriber who was invited chooses
// a password; the token follows. It is the subscriber's door (portal/door).
func (s *Stack) passwordLink() string {
	return s.host.config.PublicURL + "/t/" + s.Ref.Name + "/set-password?token="
}
