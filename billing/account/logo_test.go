package account_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"tollhouse/billing/account"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func drawing(width, height int) image.Image {
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for x := range width {
		for y := range height {
			m.Set(x, y, color.NRGBA{uint8(x), uint8(y), 90, 255}) //nolint:gosec // wraps round, as a pattern may
		}
	}
	return m
}

func pngOf(t *testing.T, width, height int) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, drawing(width, height)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// bomb is a PNG of a few bytes that says it has 30,000 by 30,000 pixels.
func bomb(t *testing.T) []byte {
	t.Helper()
	file := pngOf(t, 32, 32)
	header := file[12:29] // IHDR and its fields
	binary.BigEndian.PutUint32(header[4:], 30_000)
	binary.BigEndian.PutUint32(header[8:], 30_000)
	binary.BigEndian.PutUint32(file[29:], crc32.ChecksumIEEE(header))
	return file
}

func TestReadLogo_takesPicturesAndFitsThem(t *testing.T) {
	t.Parallel()
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, drawing(640, 320), nil); err != nil {
		t.Fatal(err)
	}
	web, err := base64.StdEncoding.DecodeString(webp16)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file          []byte
		width, height int
	}{
		"PNG as it is":      {pngOf(t, 64, 32), 64, 32},
		"JPEG made smaller": {photo.Bytes(), 256, 128},
		"WebP":              {web, 16, 16},
	} {
		logo, err := account.ReadLogo(c.file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		drawn, err := png.Decode(bytes.NewReader(logo.Picture))
		if err != nil {
			t.Fatal(err)
		}
		if size := drawn.Bounds().Size(); size != image.Pt(c.width, c.height) {
			t.Errorf("%s: %v", name, size)
		}
	}
}

// webp16 is a lossless WebP of 16 by 16 pixels.
const webp16 = "UklGRhgAAABXRUJQVlA4TAwAAAAvD8ADAKhRb7rZ/wA="

func TestReadLogo_refusesWhatIsNoPicture(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"SVG with script":       {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), "PNG, JPEG or WebP"},
		"HTML":                  {[]byte("<html><script>alert(1)</script>"), "PNG, JPEG or WebP"},
		"HTML behind PNG magic": {[]byte("\x89PNG\r\n\x1a\n<script>alert(1)</script>"), "PNG, JPEG or WebP"},
		"GIF":                   {[]byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"), "PNG, JPEG or WebP"},
		"cut off":               {pngOf(t, 64, 64)[:80], "PNG, JPEG or WebP"},
		"nothing":               {nil, "PNG, JPEG or WebP"},
		"decompression bomb":    {bomb(t), "2048 pixels"},
		"too small to see":      {pngOf(t, 4, 4), "16 to 2048"},
		"too many bytes":        {append(pngOf(t, 64, 64), make([]byte, account.MaxLogoBytes)...), "200 KB"},
	} {
		_, err := account.ReadLogo(c.file)
		var field *account.FieldError
		if !errors.As(err, &field) || field.Field != "logo" || !strings.Contains(field.Want, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A file that is a picture and a page at once gives the picture alone.
func TestReadLogo_keepsNothingButPixels(t *testing.T) {
	t.Parallel()
	logo, err := account.ReadLogo(append(pngOf(t, 32, 32), "<script>alert(1)</script>"...))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(logo.Picture, []byte("script")) {
		t.Error("what was appended to the picture is served")
	}
}

func TestPutLogo_isPartOfTheProfile(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	logo, err := account.ReadLogo(pngOf(t, 32, 32))
	if err != nil {
		t.Fatal(err)
	}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		if err := account.PutLogo(ctx, tx, logo); err != nil {
			return err
		}
		p, err := account.GetProfile(ctx, tx)
		if err != nil {
			return err
		}
		if p.Logo != logo.Hash {
			t.Errorf("profile names logo %q", p.Logo)
		}
		kept, err := account.GetLogo(ctx, tx)
		if err != nil {
			return err
		}
		if !bytes.Equal(kept.Picture, logo.Picture) {
			t.Error("another picture was kept")
		}
		if err := account.RemoveLogo(ctx, tx); err != nil {
			return err
		}
		if _, err := account.GetLogo(ctx, tx); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("a removed logo: %v", err)
		}
		return nil
	})
}
