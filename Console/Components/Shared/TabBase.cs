using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.WebConsole.Data;
using Microsoft.AspNetCore.Components;

namespace KafkaOracleOrleans.WebConsole.Components.Shared;

/// <summary>A part of a pipeline's page; it is given the pipeline anew with every look.</summary>
public abstract class TabBase : ComponentBase
{
    private bool _isLooking;
    private DateTimeOffset _looked;

    /// <summary>The pipeline.</summary>
    [Parameter, EditorRequired]
    public PipelineStatus Pipeline { get; set; } = null!;

    /// <summary>Why the last look failed.</summary>
    protected ApiFault? Fault { get; set; }

    /// <summary>The user.</summary>
    [CascadingParameter]
    protected Who Me { get; set; } = new("", "viewer", true);

    /// <summary>How times are shown.</summary>
    [CascadingParameter]
    protected ViewSettings View { get; set; } = new();

    [Inject]
    protected ConsoleClient Api { get; private set; } = null!;

    [Inject]
    protected NavigationManager Navigation { get; private set; } = null!;

    [Inject]
    protected TimeProvider Time { get; private set; } = null!;

    /// <summary>How long a look is good for.</summary>
    protected virtual TimeSpan Every => TimeSpan.FromSeconds(2);

    /// <summary>The path of the pipeline below <c>/api/v1/</c>.</summary>
    protected string Root => "pipelines/" + ConsoleClient.Path(Pipeline.Name);

    /// <inheritdoc />
    protected override async Task OnParametersSetAsync()
    {
        var now = Time.GetUtcNow();
        if (_isLooking || now - _looked < Every) return;
        await LookAgainAsync();
    }

    /// <summary>Looks now.</summary>
    protected async Task LookAgainAsync()
    {
        if (_isLooking) return;
        _isLooking = true;
        try
        {
            await LookAsync();
        }
        catch (OperationCanceledException)
        {
            Fault = new ApiFault(504, "Took too long", "The server did not answer within 30 s; what is shown is older.", []);
        }
        finally
        {
            _isLooking = false;
            _looked = Time.GetUtcNow();
        }
    }

    /// <summary>Asks for what the part shows.</summary>
    protected virtual Task LookAsync() => Task.CompletedTask;

    /// <summary>The value of an answer; null with <see cref="Fault"/> set when there is none.</summary>
    protected T? Take<T>(Answer<T> answer)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(answer);
        Fault = answer.Fault;
        return answer.Value;
    }
}
