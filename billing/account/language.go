package account

// Language is one that pages and documents are written in.
type Language string

// The supported languages.
const (
	English    Language = "en"
	Indonesian Language = "id"
	Russian    Language = "ru"
)

// ParseLanguage reads a supported language's code.
func ParseLanguage(code string) (Language, error) {
	switch l := Language(code); l {
	case English, Indonesian, Russian:
		return l, nil
	}
	return "", &FieldError{Field: "language", Want: "en, id or ru"}
}
