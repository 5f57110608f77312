// Command check reads jobs as JSON from stdin and answers them with Go's own implementation of signed notes and transparency logs,
// golang.org/x/mod/sumdb/{note,tlog}, which shares no line with ours. It also writes a log of its own for ours to verify.
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type input struct {
	Notes       []noteJob
	Cosigned    []noteJob
	Inclusion   []inclusionJob
	Consistency []consistencyJob
	Tiles       []tilesJob
	Records     []string // of the log that Go is to write
	Origin      string
}

type noteJob struct{ Note, Key string }
type inclusionJob struct {
	Index, Size int64
	Leaf, Root  tlog.Hash
	Proof       []tlog.Hash
}
type consistencyJob struct {
	Size1, Size2 int64
	Root1, Root2 tlog.Hash
	Proof        []tlog.Hash
}
type tilesJob struct {
	Size  int64
	Root  tlog.Hash
	Tiles map[string][]byte
	Index int64
	Leaf  tlog.Hash
}

type output struct {
	Notes, Cosigned, Inclusion, Consistency, Tiles []bool
	Key, Checkpoint                                string
	Proofs                                         [][]tlog.Hash
	Consistencies                                  [][]tlog.Hash
	Roots                                          []tlog.Hash
	TileData                                       map[string][]byte
}

func main() {
	var in input
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		fail(err)
	}
	var out output
	for _, job := range in.Notes {
		out.Notes = append(out.Notes, opens(job))
	}
	for _, job := range in.Cosigned {
		out.Cosigned = append(out.Cosigned, opensCosigned(job))
	}
	for _, job := range in.Inclusion {
		out.Inclusion = append(out.Inclusion, tlog.CheckRecord(job.Proof, job.Size, job.Root, job.Index, job.Leaf) == nil)
	}
	for _, job := range in.Consistency {
		out.Consistency = append(out.Consistency, tlog.CheckTree(job.Proof, job.Size2, job.Root2, job.Size1, job.Root1) == nil)
	}
	for _, job := range in.Tiles {
		out.Tiles = append(out.Tiles, provenByTiles(job))
	}
	writeLog(in, &out)
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		fail(err)
	}
}

// opens reports whether the note is signed with the key and its text is a checkpoint.
func opens(job noteJob) bool {
	verifier, err := note.NewVerifier(job.Key)
	if err != nil {
		return false
	}
	opened, err := note.Open([]byte(job.Note), note.VerifierList(verifier))
	return err == nil && isCheckpoint(opened.Text)
}

func isCheckpoint(text string) bool {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[0] == "" {
		return false
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || strconv.FormatInt(size, 10) != lines[1] {
		return false
	}
	_, err = tlog.ParseHash(lines[2])
	return err == nil
}

// cosigner verifies C2SP tlog-cosignature lines. Go's package has no such verifier, but a place for one.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.hash }
func (c cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	time := binary.BigEndian.Uint64(sig)
	return ed25519.Verify(c.key, []byte(fmt.Sprintf("cosignature/v1\ntime %d\n%s", time, msg)), sig[8:])
}

func opensCosigned(job noteJob) bool {
	parts := strings.SplitN(job.Key, "+", 3)
	if len(parts) != 3 {
		return false
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != 4 {
		return false
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), key...))
	verifier := cosigner{parts[0], binary.BigEndian.Uint32(sum[:]), ed25519.PublicKey(key[1:])}
	if fmt.Sprintf("%08x", verifier.hash) != parts[1] {
		return false
	}
	_, err = note.Open([]byte(job.Note), note.VerifierList(verifier))
	return err == nil
}

// tileReader serves the tiles of a job under the paths of C2SP tlog-tiles, which lack the height that Go puts into them.
type tileReader struct{ tiles map[string][]byte }

func (r tileReader) Height() int                     { return 8 }
func (r tileReader) SaveTiles([]tlog.Tile, [][]byte) {}
func (r tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, ok := r.tiles[pathOf(tile)]
		if !ok {
			return nil, fmt.Errorf("no tile %s", pathOf(tile))
		}
		all = append(all, data)
	}
	return all, nil
}

func pathOf(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
}

// provenByTiles lets Go check the tiles against the root and prove a record out of them.
func provenByTiles(job tilesJob) bool {
	reader := tlog.TileHashReader(tlog.Tree{N: job.Size, Hash: job.Root}, tileReader{job.Tiles})
	proof, err := tlog.ProveRecord(job.Size, job.Index, reader)
	return err == nil && tlog.CheckRecord(proof, job.Size, job.Root, job.Index, job.Leaf) == nil
}

// writeLog writes a log with Go alone: a signed checkpoint, its tiles, a proof for each record, and one from each size.
func writeLog(in input, out *output) {
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, index := range indexes {
			found = append(found, hashes[index])
		}
		return found, nil
	})
	size := int64(len(in.Records))
	for index, record := range in.Records {
		more, err := tlog.StoredHashes(int64(index), []byte(record), reader)
		check(err)
		hashes = append(hashes, more...)
		root, err := tlog.TreeHash(int64(index)+1, reader)
		check(err)
		out.Roots = append(out.Roots, root)
	}
	for index := int64(0); index < size; index++ {
		proof, err := tlog.ProveRecord(size, index, reader)
		check(err)
		out.Proofs = append(out.Proofs, proof)
		consistency, err := tlog.ProveTree(size, index+1, reader)
		check(err)
		out.Consistencies = append(out.Consistencies, consistency)
	}
	out.TileData = map[string][]byte{}
	for _, tile := range tlog.NewTiles(8, 0, size) {
		data, err := tlog.ReadTileData(tile, reader)
		check(err)
		out.TileData[pathOf(tile)] = data
	}
	secret, key, err := note.GenerateKey(nil, in.Origin)
	check(err)
	signer, err := note.NewSigner(secret)
	check(err)
	text := fmt.Sprintf("%s\n%d\n%s\n", in.Origin, size, out.Roots[size-1])
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	check(err)
	out.Key, out.Checkpoint = key, string(signed)
}

func check(err error) {
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
