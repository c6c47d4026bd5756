package org.luthier.debug.html;

import java.util.Locale;
import org.luthier.debug.CommonPlaces;

/** How the values of a tensor are spread on both sides, and how their differences are. */
final class Histogram {
    private static final int BINS = 64;
    private static final int WIDTH = 640;
    private static final int HEIGHT = 120;

    private final Spread trace = new Spread();
    private final Spread reference = new Spread();
    private final Spread difference = new Spread();

    /** Numbers of one kind. */
    private static final class Spread {
        private final long[] counts = new long[BINS];
        private long count;
        private double least = Double.POSITIVE_INFINITY;
        private double most = Double.NEGATIVE_INFINITY;
        private double sum;
        private double squares;

        void add(double value) {
            count++;
            least = Math.min(least, value);
            most = Math.max(most, value);
            sum += value;
            squares += value * value;
        }

        void count(double value, double low, double high) {
            double share = high > low ? (value - low) / (high - low) : 0.5;
            counts[(int) Math.min(BINS - 1, share * BINS)]++;
        }

        double mean() {
            return count == 0 ? Double.NaN : sum / count;
        }

        double deviation() {
            return count == 0 ? Double.NaN : Math.sqrt(Math.max(0, squares / count - mean() * mean()));
        }

        /** Steps over the bins, their heights logarithmic. */
        String path(long highest, boolean closed) {
            StringBuilder path = new StringBuilder(closed ? "M0 " + HEIGHT : "");
            for (int bin = 0; bin < BINS; bin++) {
                double height = Math.log1p(counts[bin]) / Math.log1p(Math.max(1, highest)) * (HEIGHT - 4);
                path.append(bin == 0 && !closed ? 'M' : 'L')
                        .append(String.format(
                                Locale.ROOT,
                                "%d %.1fH%d",
                                bin * WIDTH / BINS,
                                HEIGHT - height,
                                (bin + 1) * WIDTH / BINS));
            }
            return path.append(closed ? "V" + HEIGHT + "Z" : "").toString();
        }

        long highest() {
            long highest = 0;
            for (long bin : counts) {
                highest = Math.max(highest, bin);
            }
            return highest;
        }
    }

    private Histogram() {}

    static Histogram of(CommonPlaces common) {
        Histogram histogram = new Histogram();
        common.forEach((index, mine, theirs) -> {
            if (Float.isFinite(mine)) {
                histogram.trace.add(mine);
            }
            if (Float.isFinite(theirs)) {
                histogram.reference.add(theirs);
            }
            if (Float.isFinite(mine) && Float.isFinite(theirs)) {
                histogram.difference.add((double) mine - theirs);
            }
        });
        double low = histogram.low();
        double high = histogram.high();
        common.forEach((index, mine, theirs) -> {
            if (Float.isFinite(mine)) {
                histogram.trace.count(mine, low, high);
            }
            if (Float.isFinite(theirs)) {
                histogram.reference.count(theirs, low, high);
            }
            if (Float.isFinite(mine) && Float.isFinite(theirs)) {
                histogram.difference.count(
                        (double) mine - theirs, histogram.difference.least, histogram.difference.most);
            }
        });
        return histogram;
    }

    private double low() {
        return Math.min(trace.least, reference.least);
    }

    private double high() {
        return Math.max(trace.most, reference.most);
    }

    void write(Html html, String name) {
        html.open("div", "class", "histograms");
        html.open("figure");
        html.open("figcaption")
                .element("b", "Values ")
                .element("span", "reference", "class", "key reference")
                .text(" ")
                .element("span", "trace", "class", "key trace")
                .close();
        plot(html, "How the values of " + name + " are spread on both sides; the table has the numbers", low(), high());
        html.closeLine();
        html.open("figure");
        html.open("figcaption")
                .element("b", "Differences ")
                .text("trace − reference")
                .close();
        Spread d = difference;
        svg(html, "How the differences of " + name + " are spread; the table has the numbers");
        html.empty("path", "class", "area difference", "d", d.path(d.highest(), true))
                .close();
        axis(html, d.least, d.most);
        html.closeLine();
        html.close();
        table(html);
    }

    private void plot(Html html, String label, double low, double high) {
        long highest = Math.max(trace.highest(), reference.highest());
        svg(html, label);
        html.empty("path", "class", "area reference", "d", reference.path(highest, true));
        html.empty(
                "path", "class", "line trace", "d", trace.path(highest, false), "vector-effect", "non-scaling-stroke");
        html.close();
        axis(html, low, high);
    }

    private static void svg(Html html, String label) {
        html.open(
                "svg",
                "viewBox",
                "0 0 " + WIDTH + " " + HEIGHT,
                "preserveAspectRatio",
                "none",
                "role",
                "img",
                "aria-label",
                label);
    }

    private static void axis(Html html, double low, double high) {
        html.open("div", "class", "x", "aria-hidden", "true");
        html.element("span", low > high ? "–" : Numbers.value(low));
        html.element("span", "count on a logarithmic scale", "class", "faint");
        html.element("span", low > high ? "–" : Numbers.value(high)).close();
    }

    private void table(Html html) {
        html.open("table", "class", "numbers");
        html.open("thead").open("tr");
        for (String heading : new String[] {"", "values", "least", "mean", "deviation", "most"}) {
            html.element(heading.isEmpty() ? "td" : "th", heading, "scope", heading.isEmpty() ? null : "col");
        }
        html.close().close().open("tbody");
        row(html, "reference", reference);
        row(html, "trace", trace);
        row(html, "difference", difference);
        html.close().closeLine();
    }

    private static void row(Html html, String heading, Spread spread) {
        html.open("tr").element("th", heading, "scope", "row");
        html.element("td", String.format(Locale.ROOT, "%,d", spread.count));
        html.element("td", spread.count == 0 ? "–" : Numbers.value(spread.least));
        html.element("td", Numbers.format("%.3g", spread.mean()));
        html.element("td", Numbers.format("%.3g", spread.deviation()));
        html.element("td", spread.count == 0 ? "–" : Numbers.value(spread.most));
        html.close();
    }
}
