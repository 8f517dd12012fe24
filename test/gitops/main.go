// Says what Flux and Argo CD say of an object: Flux' own rules (kstatus), and health checks in Lua as Argo CD runs
// them. Reads one question as JSON from standard input, and writes one answer as JSON.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type question struct {
	Object *unstructured.Unstructured `json:"object"`
	// A health check; empty for none.
	Lua string `json:"lua"`
}

type said struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

type answer struct {
	Flux   said  `json:"flux"`
	ArgoCD *said `json:"argoCD,omitempty"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var asked question
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		return fmt.Errorf("the question cannot be read: %w", err)
	}
	result, err := status.Compute(asked.Object)
	if err != nil {
		return fmt.Errorf("kstatus: %w", err)
	}
	given := answer{Flux: said{string(result.Status), result.Message}}
	if asked.Lua != "" {
		health, err := check(asked.Lua, asked.Object.Object)
		if err != nil {
			return fmt.Errorf("health check: %w", err)
		}
		given.ArgoCD = health
	}
	return json.NewEncoder(os.Stdout).Encode(given)
}

// check runs a health check with the libraries that Argo CD gives it: base and table.
func check(script string, object map[string]any) (*said, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{
		lua.BaseLibName: lua.OpenBase,
		lua.TabLibName:  lua.OpenTable,
	} {
		library := lua.P{Fn: state.NewFunction(open), NRet: 0, Protect: true}
		if err := state.CallByParam(library, lua.LString(name)); err != nil {
			return nil, err
		}
	}
	state.SetGlobal("obj", valueOf(state, object))
	if err := state.DoString(script); err != nil {
		return nil, err
	}
	table, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return nil, fmt.Errorf("it returned %s and not a table", state.Get(-1).Type())
	}
	return &said{lua.LVAsString(table.RawGetString("status")), lua.LVAsString(table.RawGetString("message"))}, nil
}

func valueOf(state *lua.LState, value any) lua.LValue {
	switch known := value.(type) {
	case bool:
		return lua.LBool(known)
	case int64:
		return lua.LNumber(known)
	case float64:
		return lua.LNumber(known)
	case string:
		return lua.LString(known)
	case []any:
		table := state.NewTable()
		for _, element := range known {
			table.Append(valueOf(state, element))
		}
		return table
	case map[string]any:
		table := state.NewTable()
		for key, element := range known {
			table.RawSetString(key, valueOf(state, element))
		}
		return table
	default:
		return lua.LNil
	}
}
