package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// own are heeler's modules: their paths, their folders, and what a package imports that needs them.
var own = []struct{ path, folder, needs string }{
	{"heeler/worker", "worker", ""},
	{"heeler/events", "events", "github.com/cloudevents/sdk-go/v2"},
	{framework, "functions-framework-go", framework},
	{"github.com/openfaas/templates-sdk/go-http", "openfaas/go-http", "github.com/openfaas/templates-sdk/go-http"},
	{"github.com/openfaas-incubator/go-function-sdk", "openfaas/go-function-sdk", "github.com/openfaas-incubator/go-function-sdk"},
	{"github.com/kubeless/kubeless", "kubeless", "github.com/kubeless/kubeless"},
}

// shared are modules that ours need too: a function's own version of them is good enough for us, and needs no network.
var shared = []string{"github.com/cloudevents/sdk-go/v2", "cloud.google.com/go/functions"}

// oldest is the version of Go that heeler's modules are written for.
const oldest = "1.21"

// modFile is as `go mod edit -json` tells it.
type modFile struct {
	Module  struct{ Path string }
	Go      string
	Require []struct{ Path, Version string }
	Replace []replacement
}

type replacement struct {
	Old, New struct{ Path, Version string }
}

func (c *copy) read() (m modFile, err error) {
	text, err := c.command("mod", "edit", "-json").Output()
	if err != nil {
		return m, fmt.Errorf("%s/go.mod cannot be read", c.found.root)
	}
	return m, json.Unmarshal(text, &m)
}

// importPath is the package's path within its module, which is made where there is none.
func (c *copy) importPath(below string) (string, error) {
	if !c.hasModule {
		return moduleName, c.makeModule()
	}
	m, err := c.read()
	if below == "." {
		return m.Module.Path, err
	}
	return m.Module.Path + "/" + filepath.ToSlash(below), err
}

const moduleName = "function.local/function"

func (c *copy) makeModule() error {
	if _, err := os.Stat(filepath.Join(c.root, "go.mod")); err == nil {
		return nil
	}
	return os.WriteFile(filepath.Join(c.root, "go.mod"), []byte("module "+moduleName+"\n\ngo "+c.installed()+"\n"), 0o644)
}

// installed is the language of the Go that is here: code without a go.mod asks for no older one.
func (c *copy) installed() string {
	said, _ := c.command("env", "GOVERSION").Output()
	_, version, _ := strings.Cut(string(said), "go")
	var major, minor int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		return oldest
	}
	return fmt.Sprintf("%d.%d", major, minor)
}

// prepare puts heeler's modules in the place of those that the function was written for.
func (c *copy) prepare() error {
	if !c.hasModule {
		if err := c.makeModule(); err != nil {
			return err
		}
	}
	m, err := c.read()
	if err != nil {
		return err
	}
	edits := []string{"mod", "edit"}
	if older(m.Go, oldest) {
		edits = append(edits, "-go="+oldest)
	}
	edits = append(edits, c.absolute(m)...)
	vendored, err := c.unvendor()
	if err != nil {
		return err
	}
	edits = append(append(edits, vendored...), c.workspace()...)
	for _, module := range own {
		if module.needs == "" && c.name == "main" && !c.uses(module.path) || module.needs != "" && !c.needs(m, module.needs) {
			continue
		}
		folder := filepath.Join(c.modules, filepath.FromSlash(module.folder))
		edits = append(edits, "-replace="+module.path+"="+folder)
		if !requires(m, module.path) {
			edits = append(edits, "-require="+module.path+"@v0.0.0")
		}
		if err := c.adopt(m, folder); err != nil {
			return err
		}
	}
	if len(edits) == 2 {
		return nil // go mod edit wants something to do
	}
	return c.run(edits...)
}

// needs says whether the package, or anything else of its module, may import that.
func (c *copy) needs(m modFile, module string) bool { return c.uses(module) || requires(m, module) }

func requires(m modFile, module string) bool {
	for _, one := range m.Require {
		if one.Path == module {
			return true
		}
	}
	return false
}

// adopt lets a module of ours take the function's versions of what both need, and the function what ours was tested with.
func (c *copy) adopt(m modFile, folder string) error {
	for _, one := range m.Require {
		for _, path := range shared {
			if one.Path != path {
				continue
			}
			command := c.command("mod", "edit", "-require="+path+"@"+one.Version)
			command.Dir = folder
			if text, err := os.ReadFile(filepath.Join(folder, "go.mod")); err != nil || !bytes.Contains(text, []byte(path)) {
				continue
			}
			if err := command.Run(); err != nil {
				return err
			}
		}
	}
	sums, err := os.ReadFile(filepath.Join(folder, "go.sum"))
	if err != nil {
		return nil // it needs none
	}
	all, err := os.OpenFile(filepath.Join(c.root, "go.sum"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer all.Close()
	_, err = all.Write(append([]byte("\n"), sums...))
	return err
}

// absolute keeps replacements by folders outside of the module, which are not beside the copy.
func (c *copy) absolute(m modFile) (edits []string) {
	for _, one := range m.Replace {
		path := one.New.Path
		if one.New.Version != "" || filepath.IsAbs(path) {
			continue
		}
		if below := filepath.Clean(path); below == ".." || strings.HasPrefix(below, "../") {
			edits = append(edits, "-replace="+at(one.Old.Path, one.Old.Version)+"="+filepath.Join(c.found.root, path))
		}
	}
	return edits
}

func at(path, version string) string {
	if version == "" {
		return path
	}
	return path + "@" + version
}

// workspace replaces the modules of a go.work by their folders, and what it replaces by itself.
func (c *copy) workspace() (edits []string) {
	command := c.command("env", "GOWORK")
	command.Dir, command.Env = c.found.root, os.Environ()
	said, _ := command.Output()
	file := strings.TrimSpace(string(said))
	if file == "" || file == "off" {
		return nil
	}
	text, err := c.command("work", "edit", "-json", file).Output()
	var work struct {
		Use     []struct{ DiskPath string }
		Replace []replacement
	}
	if err != nil || json.Unmarshal(text, &work) != nil {
		return nil
	}
	whole := func(folder string) string {
		if !filepath.IsAbs(folder) {
			folder = filepath.Join(filepath.Dir(file), folder)
		}
		return folder
	}
	for _, one := range work.Use {
		folder := whole(one.DiskPath)
		if path := modulePath(folder); path != "" && folder != c.found.root {
			edits = append(edits, "-replace="+path+"="+folder)
		}
	}
	for _, one := range work.Replace {
		other := at(one.New.Path, one.New.Version)
		if one.New.Version == "" {
			other = whole(other)
		}
		edits = append(edits, "-replace="+at(one.Old.Path, one.Old.Version)+"="+other)
	}
	return edits
}

func modulePath(folder string) string {
	file, err := os.Open(filepath.Join(folder, "go.mod"))
	if err != nil {
		return ""
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if path, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "module "); ok {
			return strings.Trim(strings.TrimSpace(path), `"`)
		}
	}
	return ""
}

// unvendor makes each module of a vendor folder one that is replaced by its folder: what is there is built, and nothing
// is asked for.
func (c *copy) unvendor() (edits []string, err error) {
	list, err := os.ReadFile(filepath.Join(c.root, "vendor", "modules.txt"))
	if err != nil {
		return nil, nil // there is none
	}
	folder := filepath.Join(c.root, "vendored.modules")
	if err := os.Rename(filepath.Join(c.root, "vendor"), folder); err != nil {
		return nil, err
	}
	lines := strings.Split(string(list), "\n")
	for at, line := range lines {
		words := strings.Fields(line)
		if len(words) < 3 || words[0] != "#" || words[2] == "=>" {
			continue
		}
		place := filepath.Join(folder, filepath.FromSlash(words[1]))
		if _, err := os.Stat(place); err != nil {
			continue // no package of it is used
		}
		if err := os.WriteFile(filepath.Join(place, "go.mod"), []byte("module "+words[1]+"\n\ngo "+languageOf(lines[at+1:])+"\n"), 0o644); err != nil {
			return nil, err
		}
		edits = append(edits, "-replace="+words[1]+"="+place)
	}
	return edits, nil
}

// languageOf is the version of Go that a vendored module is written for, by the line behind its own: "## explicit; go 1.22".
func languageOf(behind []string) string {
	if len(behind) > 0 && strings.HasPrefix(behind[0], "## ") {
		if _, version, told := strings.Cut(behind[0], "go "); told {
			return strings.TrimSpace(version)
		}
	}
	return oldest
}

// older compares versions of Go by their first two numbers.
func older(version, than string) bool {
	var major, minor, wantMajor, wantMinor int
	_, _ = fmt.Sscanf(version, "%d.%d", &major, &minor)
	_, _ = fmt.Sscanf(than, "%d.%d", &wantMajor, &wantMinor)
	return major < wantMajor || major == wantMajor && minor < wantMinor
}
