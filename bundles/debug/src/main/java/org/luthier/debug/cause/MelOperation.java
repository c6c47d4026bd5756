package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.DoubleUnaryOperator;

/** Magnitudes in overlapping triangular bands on the mel scale. */
final class MelOperation implements Operation {
    private static final double[] LOWS = {0, 10, 20, 27.5, 30, 40, 50, 60, 80, 100, 125};
    private static final double[] HIGHS = {4000, 7500, 7600, 7800, 8000, 10000, 11025, 12000, 16000, 20000, 22050};
    private static final double[] RATES = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000};

    private final Task task;
    private final Bank book;

    MelOperation(Task task) {
        this.task = task;
        book = new Bank(
                task.number("sampleRate"),
                task.count("bands"),
                task.number("low"),
                task.number("high"),
                true,
                false,
                false);
    }

    /**
     * The bands.
     *
     * @param htk whether the scale is 1127 ln(1 + f / 700), else Slaney's, straight below 1000 Hz
     * @param hertz whether the triangles' sides are straight over Hz, else over mel
     * @param areas whether each triangle is divided by half of its width in Hz
     */
    private record Bank(double rate, int bands, double low, double high, boolean htk, boolean hertz, boolean areas) {
        private double mel(double frequency) {
            if (htk) {
                return 1127 * Math.log1p(frequency / 700);
            }
            return frequency < 1000 ? frequency * 3 / 200 : 15 + 27 * Math.log(frequency / 1000) / Math.log(6.4);
        }

        private double frequency(double mel) {
            if (htk) {
                return 700 * Math.expm1(mel / 1127);
            }
            return mel < 15 ? mel * 200 / 3 : 1000 * Math.exp((mel - 15) * Math.log(6.4) / 27);
        }

        /** [bands][bins], from each band's first bin on. */
        private double[][] weights(int bins, int[] first) {
            double[][] weights = new double[bands][];
            double bottom = mel(low);
            double step = (mel(high) - bottom) / (bands + 1);
            DoubleUnaryOperator axis = hertz ? f -> f : this::mel;
            double perBin = rate / 2 / (bins - 1);
            for (int band = 0; band < bands; band++) {
                double from = frequency(bottom + band * step);
                double middle = frequency(bottom + (band + 1) * step);
                double to = frequency(bottom + (band + 2) * step);
                first[band] = Math.min(bins, Math.max(1, (int) Math.floor(from / perBin)));
                int end = Math.max(first[band], Math.min(bins, (int) Math.ceil(to / perBin) + 1));
                weights[band] = new double[end - first[band]];
                double a = axis.applyAsDouble(from);
                double b = axis.applyAsDouble(middle);
                double c = axis.applyAsDouble(to);
                for (int bin = first[band]; bin < end; bin++) {
                    double place = axis.applyAsDouble(bin * perBin);
                    double height = Math.max(0, Math.min((place - a) / (b - a), (c - place) / (c - b)));
                    weights[band][bin - first[band]] = areas ? height * 2 / (to - from) : height;
                }
            }
            return weights;
        }

        Field of(Field x, int power) {
            int[] first = new int[bands];
            double[][] weights = weights(x.width(), first);
            return Field.of(new int[] {x.shape()[0], bands}, index -> {
                double[] bins = x.at(index);
                if (bins == null) {
                    return null;
                }
                double[] y = new double[bands];
                for (int band = 0; band < bands; band++) {
                    for (int i = 0; i < weights[band].length; i++) {
                        double value = bins[first[band] + i];
                        y[band] += weights[band][i] * (power == 2 ? value * value : value);
                    }
                }
                return y;
            });
        }

        Bank scaled(boolean otherHtk, boolean otherHertz, boolean otherAreas) {
            return new Bank(rate, bands, low, high, otherHtk, otherHertz, otherAreas);
        }

        Bank between(double otherLow, double otherHigh) {
            return new Bank(rate, bands, otherLow, otherHigh, htk, hertz, areas);
        }

        Bank at(double otherRate) {
            return new Bank(otherRate, bands, low, high, htk, hertz, areas);
        }
    }

    /** Power in other bands than triangles straight over Hz, and what is wrong with them. */
    record OtherBands(String fault, Field bands) {}

    /** Power in bands as they should be. */
    static Field usual(Task task, int bands) {
        return bank(task, bands).of(task.input(), 2);
    }

    private static Bank bank(Task task, int bands) {
        return new Bank(task.number("sampleRate"), bands, task.number("low"), task.number("high"), true, true, false);
    }

    /** Other bands by how they are made, for those that have triangles straight over Hz and heights of 1. */
    static Map<String, OtherBands> banks(Task task, int bands) {
        double rate = task.number("sampleRate");
        double low = task.number("low");
        double high = task.number("high");
        Bank usual = bank(task, bands);
        Map<String, Bank> banks = new LinkedHashMap<>();
        Map<String, OtherBands> others = new LinkedHashMap<>();
        for (int change = 1; change < 8; change++) {
            boolean htk = (change & 1) == 0;
            boolean hertz = (change & 2) == 0;
            boolean areas = (change & 4) != 0;
            String how = (htk ? "" : "Slaney's scale ")
                    + (hertz ? "" : "triangles straight over mel ")
                    + (areas ? "equal areas" : "");
            String fault = !htk ? "wrong mel scale" : !hertz ? "triangles straight in mel" : "mel bands of equal area";
            others.put(
                    how.strip(),
                    new OtherBands(fault, usual.scaled(htk, hertz, areas).of(task.input(), 2)));
        }
        for (double other : LOWS) {
            if (other != low) {
                banks.put("bands from " + hertz(other), usual.between(other, high));
            }
        }
        for (double other : HIGHS) {
            if (other != high && other <= rate / 2) {
                banks.put("bands to " + hertz(other), usual.between(low, other));
            }
        }
        banks.forEach((how, bank) -> others.put(how, new OtherBands("mel edge", bank.of(task.input(), 2))));
        for (double other : RATES) {
            if (other != rate) {
                others.put(
                        "bands for " + hertz(other),
                        new OtherBands("wrong sample rate", usual.at(other).of(task.input(), 2)));
            }
        }
        return others;
    }

    private Field bands(Bank bank) {
        return bank.of(task.input(), 1);
    }

    @Override
    public Field plain() {
        return bands(book);
    }

    @Override
    public List<Variant> variants() {
        List<Variant> variants = new ArrayList<>();
        scales(variants);
        variants.add(new Variant(
                "power for magnitude",
                "magnitude for power",
                "squares of the magnitudes in the bands",
                "the magnitudes",
                "feed the bands with magnitudes, not with power",
                book.of(task.input(), 2)));
        Field plain = plain();
        variants.add(new Variant(
                "mel order", "bands from high to low", "from low to high", "turn the bands around", plain.map(y -> {
                    double[] turned = new double[y.length];
                    for (int i = 0; i < y.length; i++) {
                        turned[i] = y[y.length - 1 - i];
                    }
                    return turned;
                })));
        edges(variants);
        for (double rate : RATES) {
            if (rate != book.rate()) {
                variants.add(new Variant(
                        "wrong sample rate",
                        "bands for " + hertz(rate),
                        hertz(book.rate()),
                        "make the bands for " + hertz(book.rate()) + ", and resample the sound to it",
                        bands(book.at(rate))));
            }
        }
        return variants;
    }

    private void scales(List<Variant> variants) {
        String usual = "the scale 1127 ln(1 + f/700), triangles straight over mel, heights of 1";
        String advice = "make the bands as the model was trained with: " + usual;
        for (int change = 1; change < 8; change++) {
            boolean htk = (change & 1) == 0;
            boolean hertz = (change & 2) != 0;
            boolean areas = (change & 4) != 0;
            List<String> odd = new ArrayList<>();
            if (!htk) {
                odd.add("Slaney's scale");
            }
            if (hertz) {
                odd.add("triangles straight over Hz");
            }
            if (areas) {
                odd.add("equal areas");
            }
            String fault = !htk ? "wrong mel scale" : hertz ? "triangles straight in Hz" : "mel bands of equal area";
            variants.add(
                    new Variant(fault, String.join(", ", odd), usual, advice, bands(book.scaled(htk, hertz, areas))));
        }
    }

    private void edges(List<Variant> variants) {
        Set<Double> highs = new LinkedHashSet<>();
        highs.add(book.rate() / 2);
        for (double high : HIGHS) {
            highs.add(high);
        }
        for (double low : LOWS) {
            if (low != book.low() && low < book.high()) {
                edge(variants, low, book.high());
            }
        }
        for (double high : highs) {
            if (high != book.high() && high > book.low()) {
                edge(variants, book.low(), high);
            }
        }
        edge(variants, 0, book.rate() / 2);
    }

    private void edge(List<Variant> variants, double low, double high) {
        variants.add(new Variant(
                "mel edge",
                "bands from " + hertz(low) + " to " + hertz(high),
                "from " + hertz(book.low()) + " to " + hertz(book.high()),
                "set the edges to " + hertz(book.low()) + " and " + hertz(book.high()),
                bands(book.between(low, high))));
    }

    private static String hertz(double frequency) {
        return String.format(Locale.ROOT, frequency == Math.rint(frequency) ? "%.0f Hz" : "%.1f Hz", frequency);
    }
}
