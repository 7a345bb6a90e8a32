package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Each loop variable is one of its own from go 1.22 on.
const loops = `func Loops() (seen []int) {
	var all []func()
	for _, one := range []int{0, 1, 2} {
		all = append(all, func() { seen = append(seen, one) })
	}
	for _, one := range all {
		one()
	}
	return seen
}
`

const saysLoops = "package main\n\nimport \"example.test/dep\"\n\nfunc main() { println(len(dep.Loops()), dep.Loops()[0]) }\n"

func TestPrograms(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOTOOLCHAIN", "local")
	saysWord := "package main\n\nimport \"example.test/dep\"\n\nfunc main() { println(dep.Word) }\n"
	for name, row := range map[string]struct {
		files   map[string]string
		env     map[string]string
		says    string
		version string
	}{
		"a vendored module of a newer language": {
			files: map[string]string{
				"m/go.mod":                         "module example.test/m\n\ngo 1.22\n\nrequire example.test/dep v1.0.0\n",
				"m/main.go":                        saysLoops,
				"m/vendor/modules.txt":             "# example.test/dep v1.0.0\n## explicit; go 1.22\nexample.test/dep\n",
				"m/vendor/example.test/dep/dep.go": "package dep\n\n" + loops,
			},
			says: "3 0", version: "1.22",
		},
		"a vendored module that names no language": {
			files: map[string]string{
				"m/go.mod":                         "module example.test/m\n\ngo 1.21\n\nrequire example.test/dep v1.0.0\n",
				"m/main.go":                        saysLoops,
				"m/vendor/modules.txt":             "# example.test/dep v1.0.0\n## explicit\nexample.test/dep\n",
				"m/vendor/example.test/dep/dep.go": "package dep\n\n" + loops,
			},
			says: "3 2",
		},
		"the language of the Go that is here": {
			files: map[string]string{
				"m/main.go": "package main\n\nfunc main() { println(Loops()[0]) }\n\n" + loops,
			},
			says: "0", version: "1.22",
		},
		"flags and tags of the user's": {
			files: map[string]string{
				"m/go.mod": "module example.test/m\n\ngo 1.21\n",
				"m/one.go": "//go:build special\n\npackage main\n\nfunc main() { println(\"special\") }\n",
				"m/two.go": "//go:build !special\n\npackage main\n\nfunc Handle([]byte) ([]byte, error) { return nil, nil }\n",
			},
			env:  map[string]string{"GOFLAGS": "-mod=vendor -tags=other,special"},
			says: "special",
		},
		"a workspace": {
			files: map[string]string{
				"go.work":         "go 1.21\n\nuse (\n\t./m\n\t./dep\n)\n",
				"m/go.mod":        "module example.test/m\n\ngo 1.21\n\nrequire example.test/dep v1.0.0\n",
				"m/main.go":       saysWord,
				"dep/go.mod":      "module example.test/dep\n\ngo 1.21\n",
				"dep/dep.go":      "package dep\n\nconst Word = \"used\"\n",
				"other/go.mod":    "module example.test/dep\n\ngo 1.21\n",
				"other/ignore.go": "package dep\n",
			},
			says: "used",
		},
		"a workspace that replaces": {
			files: map[string]string{
				"go.work":    "go 1.21\n\nuse ./m\n\nreplace example.test/dep v1.0.0 => ./dep\n",
				"m/go.mod":   "module example.test/m\n\ngo 1.21\n\nrequire example.test/dep v1.0.0\n",
				"m/main.go":  saysWord,
				"dep/go.mod": "module example.test/dep\n\ngo 1.21\n",
				"dep/dep.go": "package dep\n\nconst Word = \"replaced\"\n",
			},
			says: "replaced",
		},
		"a temporary folder within the module": {
			files: map[string]string{
				"m/go.mod":      "module example.test/m\n\ngo 1.21\n",
				"m/main.go":     "package main\n\nfunc main() { println(\"within\") }\n",
				"m/tmp/a/b/c/d": "",
			},
			env:  map[string]string{"TMPDIR": "m/tmp"},
			says: "within",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if older(strings.TrimPrefix(runtime.Version(), "go"), row.version) {
				t.Skipf("%s is older than %s", runtime.Version(), row.version)
			}
			place := t.TempDir()
			write(t, place, row.files)
			for name, value := range row.env {
				if name == "TMPDIR" {
					value = filepath.Join(place, value)
				}
				t.Setenv(name, value)
			}
			program := filepath.Join(place, "program")
			if err := (order{folder: filepath.Join(place, "m"), out: program, modules: ".."}).build(); err != nil {
				t.Fatal(err)
			}
			// A wrong one may be a server.
			patient, enough := context.WithTimeout(context.Background(), 20*time.Second)
			defer enough()
			if said, err := exec.CommandContext(patient, program).CombinedOutput(); err != nil || strings.TrimSpace(string(said)) != row.says {
				t.Errorf("%v: %q, not %q", err, said, row.says)
			}
		})
	}
}

func write(t *testing.T, place string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(place, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
