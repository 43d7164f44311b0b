package notice

import "strings"

// The GSM 7-bit default alphabet and its extension (3GPP TS 23.038, 6.2.1). A
// letter of the extension takes two places.
const (
	gsm7         = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsm7Extended = "^{}\\[~]|€\f"
)

// Places of one SMS, and of each part of a longer one, whose header takes some.
const (
	gsmOne, gsmPart = 160, 153
	ucsOne, ucsPart = 70, 67
)

// Segments is how many parts an SMS is sent in, and whether its letters need
// UCS-2, which halves what fits. A letter never lies in two parts.
func Segments(text string) (parts int, ucs2 bool) {
	var widths []int
	for _, letter := range text {
		switch {
		case strings.ContainsRune(gsm7, letter):
			widths = append(widths, 1)
		case strings.ContainsRune(gsm7Extended, letter):
			widths = append(widths, 2)
		default:
			ucs2 = true
		}
	}
	one, part := gsmOne, gsmPart
	if ucs2 {
		one, part, widths = ucsOne, ucsPart, widths[:0]
		for _, letter := range text {
			width := 1
			if letter > 0xffff { // two UTF-16 units
				width = 2
			}
			widths = append(widths, width)
		}
	}
	total, used := 0, 0
	for _, w := range widths {
		total += w
	}
	if total <= one {
		return min(1, len(widths)), ucs2
	}
	parts = 1
	for _, w := range widths {
		if used+w > part {
			parts, used = parts+1, 0
		}
		used += w
	}
	return parts, ucs2
}
