using System.CommandLine;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary><c>kor completion SHELL</c>: a script that lets a shell complete verbs, options and values.</summary>
internal static class CompletionVerb
{
    private const string Bash = """
        # Load with: source <(kor completion bash)
        _kor_complete() {
            local IFS=$'\n'
            COMPREPLY=($(compgen -W "$(kor "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -F _kor_complete kor
        """;

    private const string Zsh = """
        # Load with: source <(kor completion zsh)
        _kor_complete() {
            local -a found
            found=("${(@f)$(kor "[suggest:${#BUFFER}]" "$BUFFER" 2>/dev/null)}")
            compadd -- $found
            _files
        }
        compdef _kor_complete kor
        """;

    private const string Fish = """
        # Load with: kor completion fish | source
        complete -c kor -a '(kor "[suggest:"(string length (commandline -cp))"]" (commandline -cp) 2>/dev/null)'
        """;

    private const string PowerShell = """
        # Load with: kor completion pwsh | Out-String | Invoke-Expression
        Register-ArgumentCompleter -Native -CommandName kor -ScriptBlock {
            param($word, $line, $position)
            kor "[suggest:$position]" "$line" 2>$null | ForEach-Object {
                [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
            }
        }
        """;

    public static void AddTo(KorCommand kor)
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh, fish or pwsh." };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish", "pwsh");
        kor.Add(new Command("completion", "Writes a script with which a shell completes this command.") { shell }, (context, _) =>
        {
            context.Output.Line(context.Args.GetValue(shell) switch
            {
                "bash" => Bash,
                "zsh" => Zsh,
                "fish" => Fish,
                _ => PowerShell,
            });
            return Task.FromResult(ExitCodes.Ok);
        });
    }
}
