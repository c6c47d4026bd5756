package org.luthier.model.yourmt3;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The layers one by one against the small models of the reference: each computes from what was recorded before it. */
class GoldenLayersTest {
    /** Float32 against float32, beside a tensor's largest number; the reference's own double was within 9e-6. */
    private static final double TOLERANCE = 2e-5;

    @ParameterizedTest
    @MethodSource("org.luthier.model.yourmt3.Variant#all")
    void theSpectrogramIsTheRecordedOne(String name) {
        try (Variant variant = Variant.open(name);
                INDArray audio = variant.tensor("audio")) {
            assertEquals(
                    variant.configuration().channels() == 1 ? "mt3_full_plus" : "mc13_full_plus_256",
                    variant.configuration().task());
            SpectrogramFrontend frontend =
                    new SpectrogramFrontend(variant.configuration().audio(), variant.weights());
            assertTold(frontend.layer());
            Variant.Recorder recorder = new Variant.Recorder();
            int rows = (int) audio.size(0);
            try (Frontend.Session session = frontend.open(rows)) {
                session.features(
                        audio.reshape('c', rows, audio.size(2)), new int[rows], Position.segments(0, rows), recorder);
            }
            // Near-silent bins of a float transform are rounding: ARCHITECTURE, section 12.
            variant.assertRecorded(
                    recorder, variant.configuration().audio().mel() ? 1e-4 : 5e-3, SpectrogramFrontend.SPECTROGRAM);
        }
    }

    @ParameterizedTest
    @MethodSource("org.luthier.model.yourmt3.Variant#perceivers")
    void thePreEncoderIsTheRecordedOne(String name) {
        try (Variant variant = Variant.open(name);
                Work work = new Work();
                INDArray spectrogram = variant.tensor("spectrogram")) {
            YourMt3Configuration configuration = variant.configuration();
            try (PreEncoder layer = PreEncoder.of(
                            configuration, SpectrogramFrontend.SPECTROGRAM, Kernels.named("cpu"), variant.weights());
                    INDArray y = Nd4j.create(
                            DataType.FLOAT,
                            spectrogram.size(0),
                            spectrogram.size(1),
                            layer.frequencies(configuration.audio().bands()),
                            layer.channels())) {
                assertTold(layer);
                Variant.Recorder recorder = new Variant.Recorder();
                layer.forward(spectrogram, y, work, Position.segments(0, (int) spectrogram.size(0)), recorder);
                variant.assertRecorded(recorder, TOLERANCE, recorded(variant, layer, "pre_encoder.out"));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("org.luthier.model.yourmt3.Variant#perceivers")
    void everyTensorOfThePerceiverIsTheRecordedOne(String name) {
        try (Variant variant = Variant.open(name);
                Work work = new Work();
                INDArray x = variant.tensor("pre_encoder.out");
                INDArray y = Nd4j.create(DataType.FLOAT, variant.shape("encoder.out"))) {
            YourMt3Configuration configuration = variant.configuration();
            var sizes = (YourMt3Configuration.Perceiver) configuration.encoder();
            int times = configuration.audio().frames();
            int tokens = (int) x.size(sizes.overChannels() ? 3 : 2);
            try (PerceiverEncoder layer = new PerceiverEncoder(
                    "pre_encoder.out", Kernels.named("cpu"), variant.weights(), sizes, times, tokens)) {
                Variant.Recorder recorder = new Variant.Recorder();
                layer.forward(x, y, work, Position.segments(0, (int) x.size(0)), recorder);
                if (sizes.feedForward() == YourMt3Configuration.FeedForward.MOE) {
                    asRecordingsNameIt(recorder, variant);
                } else {
                    assertTold(layer);
                }
                variant.assertRecorded(recorder, TOLERANCE, everyRecorded(variant));
                // The same without anybody looking.
                layer.forward(x, y, work, Position.segments(0, (int) x.size(0)), Probe.NONE);
                Variant.Recorder unseen = new Variant.Recorder();
                unseen.tap("encoder.out", Position.segments(0, (int) x.size(0)), y);
                variant.assertRecorded(unseen, TOLERANCE, "encoder.out");
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"conformer_relative", "conformer_rotary"})
    void everyTensorOfTheConformerIsTheRecordedOne(String name) {
        try (Variant variant = Variant.open(name);
                Work work = new Work();
                INDArray x = variant.tensor("spectrogram");
                INDArray y = Nd4j.create(DataType.FLOAT, variant.shape("encoder.out"))) {
            YourMt3Configuration configuration = variant.configuration();
            try (ConformerEncoder layer = new ConformerEncoder(
                    SpectrogramFrontend.SPECTROGRAM,
                    Kernels.named("cpu"),
                    variant.weights(),
                    (YourMt3Configuration.Conformer) configuration.encoder(),
                    configuration.audio().frames())) {
                assertTold(layer);
                Variant.Recorder recorder = new Variant.Recorder();
                layer.forward(x, y, work, Position.segments(0, (int) x.size(0)), recorder);
                // The angles and sinusoids themselves are of no row: they are in what is made with them.
                String[] names = Arrays.stream(everyRecorded(variant))
                        .filter(each -> !each.equals("encoder.pos"))
                        .toArray(String[]::new);
                variant.assertRecorded(recorder, TOLERANCE, names);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("org.luthier.model.yourmt3.Variant#perceivers")
    void theProjectionIsTheRecordedOne(String name) {
        try (Variant variant = Variant.open(name);
                Work work = new Work();
                INDArray latents = variant.tensor("encoder.out");
                INDArray y = Nd4j.create(DataType.FLOAT, variant.shape("pre_decoder.out"));
                PreDecoder layer = PreDecoder.of(
                        variant.configuration(), "encoder.out", Kernels.named("cpu"), variant.weights())) {
            assertTold(layer);
            Variant.Recorder recorder = new Variant.Recorder();
            layer.forward(latents, y, work, Position.segments(0, (int) latents.size(0)), recorder);
            variant.assertRecorded(recorder, TOLERANCE, "pre_decoder.out");
        }
    }

    /** Every recorded tensor of the encoder. */
    private static String[] everyRecorded(Variant variant) {
        return variant.names().stream()
                .filter(name -> name.startsWith("encoder."))
                .toArray(String[]::new);
    }

    /** What is inside a mixture of experts has names of its own in recordings, and is not divided into rows there. */
    private static void asRecordingsNameIt(Variant.Recorder recorder, Variant variant) {
        for (String name : everyRecorded(variant)) {
            String ours = name.replace(".router_logits", ".mlp.router")
                    .replace(".experts", ".mlp.experts")
                    .replace(".expert_weights", ".mlp.weights")
                    .replace(".ff_out", ".mlp")
                    .replaceFirst("\\.expert([0-9]+)\\.out", ".mlp.expert$1.out");
            if (!ours.equals(name)) {
                float[] values = recorder.tensors.get(ours).values();
                int expert = name.lastIndexOf(".expert");
                if (name.endsWith(".out")) {
                    values = chosen(
                            values,
                            variant.tensor(name.substring(0, expert) + ".experts"),
                            Integer.parseInt(name.substring(expert + 7, name.length() - 4)));
                }
                recorder.tensors.put(name, new Variant.Recorder.Recorded(variant.shape(name), values));
            }
        }
    }

    /** The vectors that chose an expert: first those whose first choice it is, then those whose second. */
    private static float[] chosen(float[] values, INDArray experts, int expert) {
        int vectors = (int) experts.size(0);
        int width = values.length / vectors;
        float[] chosen = new float[values.length];
        int n = 0;
        for (int choice = 0; choice < experts.size(1); choice++) {
            for (int vector = 0; vector < vectors; vector++) {
                if (experts.getInt(vector, choice) == expert) {
                    System.arraycopy(values, vector * width, chosen, width * n++, width);
                }
            }
        }
        return Arrays.copyOf(chosen, n * width);
    }

    /** Those of a layer's tensors that were recorded; a name among them that must be. */
    private static String[] recorded(Variant variant, Layer layer, String required) {
        List<String> names = new ArrayList<>();
        collect(layer, names);
        names.removeIf(name -> !variant.has(name));
        assertEquals(true, names.contains(required), names.toString());
        return names.toArray(String[]::new);
    }

    private static void collect(Layer layer, List<String> names) {
        layer.children().forEach(child -> collect(child, names));
        names.addAll(layer.taps());
    }

    /** Of every tensor, how it is made. */
    private static void assertTold(Layer layer) {
        assertEquals(
                layer.taps(),
                layer.computations().stream().map(Computation::output).toList());
        layer.children().forEach(GoldenLayersTest::assertTold);
    }
}
