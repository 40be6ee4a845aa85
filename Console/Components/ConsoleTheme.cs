using MudBlazor;

namespace KafkaOracleOrleans.WebConsole.Components;

/// <summary>Colours and letters of the console: the system's own fonts, calm surfaces, colour for what matters.</summary>
public static class ConsoleTheme
{
    private static readonly string[] Fonts = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif"];

    /// <summary>The theme.</summary>
    public static MudTheme Theme { get; } = new()
    {
        PaletteLight = new PaletteLight
        {
            Primary = "#2459c9",
            Background = "#f4f5f7",
            Surface = "#ffffff",
            TextPrimary = "#1b1f27",
            TextSecondary = "#55606f",
            LinesDefault = "#dde1e7",
            Success = "#1a7f45",
            Warning = "#9a6200",
            Error = "#c4262e",
            Info = "#2459c9",
        },
        PaletteDark = new PaletteDark
        {
            Primary = "#7aa7ff",
            Background = "#101217",
            Surface = "#181b22",
            TextPrimary = "#e3e6eb",
            TextSecondary = "#9aa4b2",
            LinesDefault = "#2a2f3a",
            Success = "#56c288",
            Warning = "#e0a84a",
            Error = "#ff7a80",
            Info = "#7aa7ff",
        },
        Typography = new Typography { Default = new DefaultTypography { FontFamily = Fonts, FontSize = "0.8125rem" } },
        LayoutProperties = new LayoutProperties { DefaultBorderRadius = "6px" },
    };
}
