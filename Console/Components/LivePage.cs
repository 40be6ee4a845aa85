using KafkaOracleOrleans.WebConsole.Data;
using Microsoft.AspNetCore.Components;

namespace KafkaOracleOrleans.WebConsole.Components;

/// <summary>A page that shows the pipelines' status as it goes on; it asks for nothing once it is closed.</summary>
public abstract class LivePage : ComponentBase, IDisposable
{
    private IDisposable? _watch;
    private bool _isTicking;

    /// <summary>What was seen last.</summary>
    protected FeedState? State { get; private set; }

    /// <summary>The user.</summary>
    [CascadingParameter]
    protected Who Me { get; set; } = new("", "viewer", true);

    /// <summary>How times are shown.</summary>
    [CascadingParameter]
    protected ViewSettings View { get; set; } = new();

    [Inject]
    protected StatusFeed Feed { get; private set; } = null!;

    [Inject]
    protected ConsoleClient Api { get; private set; } = null!;

    [Inject]
    protected NavigationManager Navigation { get; private set; } = null!;

    /// <inheritdoc />
    protected override async Task OnInitializedAsync() => State = await Feed.NowAsync();

    /// <inheritdoc />
    protected override void OnAfterRender(bool firstRender)
    {
        if (firstRender) _watch = Feed.Watch(() => InvokeAsync(TickAsync));
    }

    /// <summary>Asks for what the page shows besides; called after every look, never twice at once.</summary>
    protected virtual Task LookAsync() => Task.CompletedTask;

    private async Task TickAsync()
    {
        if (_isTicking) return;
        _isTicking = true;
        try
        {
            State = Feed.State;
            await LookAsync();
            StateHasChanged();
        }
        finally
        {
            _isTicking = false;
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Ends the watch.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (disposing) _watch?.Dispose();
    }
}
