using System.Text;

namespace KafkaOracleOrleans.WebConsole.Components.Shared;

/// <summary>Paths of curves.</summary>
public static class Curve
{
    /// <summary>The largest number known, 0 when there is none.</summary>
    public static double Top(float[] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        var top = 0.0;
        foreach (var value in values)
        {
            if (float.IsFinite(value) && value > top) top = value;
        }

        return top;
    }

    /// <summary>The end of an axis that holds a number: 1, 2 or 5 times a power of ten; 1 for nothing.</summary>
    public static double Round(double top)
    {
        if (top <= 0) return 1;
        var power = Math.Pow(10, Math.Floor(Math.Log10(top)));
        // A hair above, for what is not exact in binary.
        return (top / power) switch { <= 1.0001 => power, <= 2.0001 => 2 * power, <= 5.0001 => 5 * power, _ => 10 * power };
    }

    /// <summary>A line from left to right, broken where nothing is known; a number without neighbours is a dash.</summary>
    public static string Path(float[] values, double width, double height, double top)
    {
        ArgumentNullException.ThrowIfNull(values);
        var path = new StringBuilder();
        var step = values.Length > 1 ? width / (values.Length - 1) : width;
        var isOpen = false;
        for (var i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
            {
                isOpen = false;
                continue;
            }

            var y = Format.Point(height - 1 - Math.Clamp(values[i] / top, 0, 1) * (height - 2));
            if (!isOpen && (i + 1 == values.Length || !float.IsFinite(values[i + 1]))) path.Append('M').Append(Format.Point(i * step - 1)).Append(' ').Append(y).Append("h2");
            else path.Append(isOpen ? 'L' : 'M').Append(Format.Point(i * step)).Append(' ').Append(y);
            isOpen = true;
        }

        return path.ToString();
    }
}
