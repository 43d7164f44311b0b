package door

import (
	"strings"

	"tollhouse/portal/ui"
)

// browsers and systems by what a User-Agent header holds, the more special
// first: all name Mozilla, and most name Safari too.
var (
	browsers = [][2]string{{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser", "Samsung Internet"}, {"YaBrowser", "Yandex"},
		{"Firefox/", "Firefox"}, {"FxiOS", "Firefox"}, {"Chrome/", "Chrome"}, {"CriOS", "Chrome"}, {"Safari/", "Safari"}}
	systems = [][2]string{{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"CrOS", "ChromeOS"},
		{"Mac OS X", "macOS"}, {"Linux", "Linux"}}
)

// DeviceWords names a browser and its system as people know them.
func DeviceWords(r ui.Reader, userAgent string) string {
	browser, system := named(browsers, userAgent), named(systems, userAgent)
	switch {
	case browser != "" && system != "":
		return r.T("door.device", "browser", browser, "system", system)
	case browser+system != "":
		return browser + system
	case userAgent == "":
		return r.T("door.device.unknown")
	}
	return shortened(userAgent)
}

func named(table [][2]string, userAgent string) string {
	for _, row := range table {
		if strings.Contains(userAgent, row[0]) {
			return row[1]
		}
	}
	return ""
}

// shortened keeps what fits a line of what a program says of itself.
func shortened(text string) string {
	const most = 40
	letters := []rune(text)
	if len(letters) <= most {
		return text
	}
	return string(letters[:most]) + "…"
}
