package main

import (
	"bytes"
	"encoding/binary"
	"errors"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const frameHead = 9

// http2Conn is what both ends of an HTTP/2 connection share: frames, header compression, and the connection's flow control.
// Everything sent is small (RFC 9113 §6.9: a stream's window of 65,535 bytes is never used up), so nothing is ever queued for want of a window.
type http2Conn struct {
	in, out  []byte
	block    bytes.Buffer
	encoder  *hpack.Encoder
	decoder  *hpack.Decoder
	window   int // bytes that may still be sent
	received int // bytes of data that the other end was not yet given back
	field    func(hpack.HeaderField)
	reset    func(stream uint32) error // told of RST_STREAM, and of GOAWAY as stream 0
}

func newHTTP2Conn() *http2Conn {
	c := &http2Conn{window: 65_535}
	c.encoder = hpack.NewEncoder(&c.block)
	c.decoder = hpack.NewDecoder(4096, func(f hpack.HeaderField) { c.field(f) })
	return c
}

func (c *http2Conn) frame(kind http2.FrameType, flags http2.Flags, stream uint32, payload []byte) {
	c.out = append(c.out, byte(len(payload)>>16), byte(len(payload)>>8), byte(len(payload)), byte(kind), byte(flags))
	c.out = binary.BigEndian.AppendUint32(c.out, stream)
	c.out = append(c.out, payload...)
}

func (c *http2Conn) headers(stream uint32, fields [][2]string, end bool) error {
	c.block.Reset()
	for _, f := range fields {
		if err := c.encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}); err != nil {
			return err
		}
	}
	flags := http2.FlagHeadersEndHeaders
	if end {
		flags |= http2.FlagHeadersEndStream
	}
	c.frame(http2.FrameHeaders, flags, stream, c.block.Bytes())
	return nil
}

func (c *http2Conn) data(stream uint32, payload []byte, end bool) error {
	if c.window -= len(payload); c.window < 0 {
		return errors.New("the other end gives no window")
	}
	var flags http2.Flags
	if end {
		flags = http2.FlagDataEndStream
	}
	c.frame(http2.FrameData, flags, stream, payload)
	return nil
}

// receive takes the complete frames in data. field is called for each header field, and ended for each stream that the other end has ended.
func (c *http2Conn) receive(data []byte, field func(stream uint32, f hpack.HeaderField), ended func(stream uint32) error) error {
	input := append(c.in, data...)
	for len(input) >= frameHead {
		size := frameHead + int(input[0])<<16 + int(input[1])<<8 + int(input[2])
		if len(input) < size {
			break
		}
		kind, flags := http2.FrameType(input[3]), http2.Flags(input[4])
		stream := binary.BigEndian.Uint32(input[5:])
		c.field = func(f hpack.HeaderField) { field(stream, f) }
		if err := c.take(kind, flags, stream, input[frameHead:size]); err != nil {
			return err
		}
		// END_STREAM is the same bit in both frames that have it.
		if (kind == http2.FrameHeaders || kind == http2.FrameData) && flags.Has(http2.FlagDataEndStream) {
			if err := ended(stream); err != nil {
				return err
			}
		}
		input = input[size:]
	}
	c.in = append(c.in[:0], input...)
	return nil
}

func (c *http2Conn) take(kind http2.FrameType, flags http2.Flags, stream uint32, payload []byte) error {
	switch kind {
	case http2.FrameHeaders:
		if !flags.Has(http2.FlagHeadersEndHeaders) || flags.Has(http2.FlagHeadersPadded) {
			return errors.New("headers with padding or continuation are not understood here")
		}
		if flags.Has(http2.FlagHeadersPriority) {
			payload = payload[5:]
		}
		if _, err := c.decoder.Write(payload); err != nil {
			return err
		}
		return c.decoder.Close()
	case http2.FrameData:
		c.giveBack(len(payload))
	case http2.FrameSettings:
		c.settings(flags, payload)
	case http2.FramePing:
		if !flags.Has(http2.FlagPingAck) {
			c.frame(http2.FramePing, http2.FlagPingAck, 0, payload)
		}
	case http2.FrameWindowUpdate:
		if stream == 0 {
			c.window += int(binary.BigEndian.Uint32(payload))
		}
	case http2.FrameRSTStream, http2.FrameGoAway:
		return c.reset(stream)
	}
	return nil
}

// giveBack returns the connection's window a half at a time, as most ends do.
func (c *http2Conn) giveBack(size int) {
	if c.received += size; c.received >= 32<<10 {
		c.frame(http2.FrameWindowUpdate, 0, 0, binary.BigEndian.AppendUint32(nil, uint32(c.received)))
		c.received = 0
	}
}

func (c *http2Conn) settings(flags http2.Flags, payload []byte) {
	if flags.Has(http2.FlagSettingsAck) {
		return
	}
	for ; len(payload) >= 6; payload = payload[6:] {
		if http2.SettingID(binary.BigEndian.Uint16(payload)) == http2.SettingHeaderTableSize {
			c.encoder.SetMaxDynamicTableSizeLimit(binary.BigEndian.Uint32(payload[2:]))
		}
	}
	c.frame(http2.FrameSettings, http2.FlagSettingsAck, 0, nil)
}
