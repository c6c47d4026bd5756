package org.luthier.debug.faults;

import static org.luthier.debug.faults.Fault.computation;
import static org.luthier.debug.faults.Fault.weights;

import java.util.List;
import java.util.function.UnaryOperator;
import org.luthier.debug.faults.Fault.Computed;
import org.luthier.debug.faults.Fault.Tensor;

/** Single faults of pre-encoders, positions and projections that no published YourMT3+ has. */
final class YourMt3OptionFaults {
    private static final String BEGINNING = "encoder.block0.in(latents+pos)";
    private static final String PLACES = "encoder.position_embedding";
    private static final String SHIFTED = "positions shifted";
    private static final String ORDER = "order of axes";

    private YourMt3OptionFaults() {}

    private static Fault weight(
            String id, String what, String weight, String located, String cause, UnaryOperator<float[]> change) {
        return weights(id, what, located, cause, values -> values.with(weight, change));
    }

    private static Fault of(String id, String what, String tap, String cause, Computed computed, String... inputs) {
        return computation(id, what, tap, List.of(inputs), cause, computed);
    }

    static List<Fault> windows() {
        String conv = "pre_encoder.conv";
        String embedding = "pre_encoder.frequency_embedding";
        String convolved = "pre_decoder.conv";
        int latents = YourMt3Subjects.LATENTS;
        return List.of(
                of(
                        "window-side",
                        "sixteen times before, fifteen after",
                        conv,
                        "padding shifted",
                        WrongEnds.overTime(conv, 16, 1e-7),
                        "spectrogram"),
                of(
                        "window-late",
                        "windows that begin one time late",
                        "pre_encoder.out",
                        SHIFTED,
                        WrongEnds.windows(embedding, 32, 1, false),
                        conv),
                of(
                        "window-order",
                        "windows as [time, channel]",
                        "pre_encoder.out",
                        ORDER,
                        WrongEnds.windows(embedding, 32, 0, true),
                        conv),
                weight(
                        "window-bias",
                        "no bias of the convolution",
                        conv + ".bias",
                        conv,
                        "missing bias",
                        b -> new float[b.length]),
                weight(
                        "tk-late",
                        "places of latents one time late",
                        PLACES,
                        BEGINNING,
                        SHIFTED,
                        Wrong.rows(latents, i -> Math.max(i - 1, 0))),
                of("tk-missing", "no places of latents", BEGINNING, "positions missing", (right, inputs, values) -> {
                    float[] array = values.get("encoder.latents").numbers();
                    float[] y = new float[right.values().length];
                    for (int i = 0; i < y.length; i++) {
                        y[i] = array[i % array.length];
                    }
                    return y;
                }),
                of(
                        "conv-turns",
                        "filters of latents in turns",
                        convolved,
                        "order of latents",
                        WrongEnds.inTurns(convolved),
                        "encoder.out"),
                weight(
                        "conv-flipped",
                        "kernels turned",
                        convolved + ".weight",
                        convolved,
                        "kernel flipped",
                        Wrong.rows(3 * latents, i -> 3 - i)),
                of(
                        "conv-permuted",
                        "the filters of each time as a vector",
                        "pre_decoder.out",
                        "transposed instead of reshaped",
                        WrongLayers.after(
                                WrongEnds::exchanged,
                                WrongLayers.projection("pre_decoder.out.weight", "pre_decoder.out.bias", y -> y)),
                        convolved));
    }

    static List<Fault> layers() {
        String places = "encoder.temporal_position_embedding";
        String byLatent = "encoder.block0.by_latent";
        String linear = "pre_decoder.linear0";
        String norm = "pre_decoder.norm0";
        int latents = YourMt3Subjects.LATENTS;
        int width = 16;
        return List.of(
                weight(
                        "kdt-late",
                        "positions in time one row late",
                        places,
                        byLatent,
                        SHIFTED,
                        Wrong.rows(width, i -> Math.max(i - 1, 0))),
                of(
                        "kdt-missing",
                        "no positions in time",
                        byLatent,
                        "positions missing",
                        WrongLayers.moved((i, x) -> {
                            int times = x.size(0);
                            int time = i / width % times;
                            return (time * latents + i / width / times) * width + i % width;
                        }),
                        "encoder.block0.local0.out"),
                of(
                        "kdt-doubled",
                        "places of latents twice",
                        BEGINNING,
                        "positions doubled",
                        (right, inputs, values) -> {
                            float[] array = values.get("encoder.latents").numbers();
                            float[] table = values.get(PLACES).numbers();
                            float[] y = new float[right.values().length];
                            for (int i = 0; i < y.length; i++) {
                                y[i] = array[i % array.length] + 2 * table[i % table.length];
                            }
                            return y;
                        }),
                of(
                        "mlp-permuted",
                        "latents not moved behind times",
                        linear,
                        ORDER,
                        WrongLayers.after(
                                x -> new Tensor(
                                        new int[] {1, x.size(1), latents * width},
                                        WrongLayers.moved((i, from) -> i / (latents * width) * latents * width
                                                        + i % latents * width
                                                        + i % (latents * width) / latents)
                                                .of(x, List.of(x), null)),
                                WrongLayers.projection(linear + ".weight", linear + ".bias", y -> y)),
                        "encoder.out"),
                of(
                        "mlp-norm-rms",
                        "an RMS norm for a layer norm",
                        norm,
                        "mean not subtracted",
                        WrongLayers.norm(norm + ".scale", null, 1e-5, false),
                        linear),
                of(
                        "mlp-gelu-tanh",
                        "the GELU with a tanh",
                        "pre_decoder.hidden1",
                        "other GELU",
                        Wrong.ofInput(x ->
                                0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)))),
                        "pre_decoder.norm1"));
    }
}
