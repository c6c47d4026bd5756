package org.luthier.nn.t5;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Layer;
import org.luthier.nn.Activation;
import org.luthier.nn.Conv2d;
import org.luthier.nn.Convolution;
import org.luthier.nn.Heads;
import org.luthier.nn.Kernels;
import org.luthier.nn.SeededWeights;

/** What the layers tell of small stacks, whole. That it is what they do is tested with the models that are made of them. */
class ComputationsTest {
    private static final Kernels KERNELS = Kernels.named("plain");
    private static final T5Sizes SIZES = new T5Sizes(6, new Heads(2, 3, 0.5f), 5);

    /** A line each: {@code output = operation(inputs) weights settings}. */
    private static String told(Layer layer) {
        return String.join("\n", lines(layer)) + "\n";
    }

    private static List<String> lines(Layer layer) {
        List<String> lines = new ArrayList<>();
        layer.children().forEach(child -> lines.addAll(lines(child)));
        for (Computation each : layer.computations()) {
            lines.add((each.output() + " = " + each.operation() + "(" + String.join(", ", each.inputs()) + ")"
                            + braces(new TreeMap<>(each.weights())) + braces(new TreeMap<>(each.settings())))
                    .strip());
        }
        return lines;
    }

    private static String braces(TreeMap<String, ?> map) {
        return map.isEmpty() ? "" : " " + map;
    }

    @Test
    void encoder() {
        String expected = """
                e.input_projection = projection(sound) {weight=e.input_projection.weight} {activation=none}
                e.embedded = positions(e.input_projection) {period=10000.0}
                e.layer0.pre_attention_norm = rms-norm(e.embedded) {scale=e.layer0.pre_attention_norm.scale} {epsilon=1.0E-6}
                e.layer0.attention.q = projection(e.layer0.pre_attention_norm) {weight=e.layer0.attention.q.weight} {activation=none}
                e.layer0.attention.k = projection(e.layer0.pre_attention_norm) {weight=e.layer0.attention.k.weight} {activation=none}
                e.layer0.attention.v = projection(e.layer0.pre_attention_norm) {weight=e.layer0.attention.v.weight} {activation=none}
                e.layer0.attention.logits = scores(e.layer0.attention.q, e.layer0.attention.k) {causal=false, factor=0.5, heads=2}
                e.layer0.attention.probs = softmax(e.layer0.attention.logits)
                e.layer0.attention.context = mixture(e.layer0.attention.probs, e.layer0.attention.v) {heads=2}
                e.layer0.attention.out = projection(e.layer0.attention.context) {weight=e.layer0.attention.out.weight} {activation=none}
                e.layer0.pre_mlp_norm = rms-norm(e.layer0.after_attention) {scale=e.layer0.pre_mlp_norm.scale} {epsilon=1.0E-6}
                e.layer0.mlp.wi_0_act = projection(e.layer0.pre_mlp_norm) {weight=e.layer0.mlp.wi_0.weight} {activation=gelu_tanh}
                e.layer0.mlp.wi_1 = projection(e.layer0.pre_mlp_norm) {weight=e.layer0.mlp.wi_1.weight} {activation=none}
                e.layer0.mlp.gated = product(e.layer0.mlp.wi_0_act, e.layer0.mlp.wi_1)
                e.layer0.mlp.wo = projection(e.layer0.mlp.gated) {weight=e.layer0.mlp.wo.weight} {activation=none}
                e.layer0.after_attention = sum(e.embedded, e.layer0.attention.out)
                e.layer0.out = sum(e.layer0.after_attention, e.layer0.mlp.wo)
                e.out = rms-norm(e.layer0.out) {scale=e.out.scale} {epsilon=1.0E-6}
                """;
        try (EncoderStack stack = new EncoderStack("e", "sound", KERNELS, new SeededWeights(), SIZES, 1, 4, 7)) {
            assertEquals(expected, told(stack));
            assertEquals("e.out", stack.output());
        }
    }

    @Test
    void decoder() {
        String expected = """
                d.token_embedding = lookup(d.input_ids) {table=d.token_embedding.weight}
                d.embedded = lookup-and-positions(d.input_ids) {table=d.token_embedding.weight} {period=10000.0}
                d.layer0.pre_self_attention_norm = rms-norm(d.embedded) {scale=d.layer0.pre_self_attention_norm.scale} {epsilon=1.0E-6}
                d.layer0.self_attention.q = projection(d.layer0.pre_self_attention_norm) {weight=d.layer0.self_attention.q.weight} {activation=none}
                d.layer0.self_attention.k = projection(d.layer0.pre_self_attention_norm) {weight=d.layer0.self_attention.k.weight} {activation=none}
                d.layer0.self_attention.v = projection(d.layer0.pre_self_attention_norm) {weight=d.layer0.self_attention.v.weight} {activation=none}
                d.layer0.self_attention.logits = scores(d.layer0.self_attention.q, d.layer0.self_attention.k) {causal=true, factor=0.5, heads=2}
                d.layer0.self_attention.probs = softmax(d.layer0.self_attention.logits)
                d.layer0.self_attention.context = mixture(d.layer0.self_attention.probs, d.layer0.self_attention.v) {heads=2}
                d.layer0.self_attention.out = projection(d.layer0.self_attention.context) {weight=d.layer0.self_attention.out.weight} {activation=none}
                d.layer0.pre_cross_attention_norm = rms-norm(d.layer0.after_self_attention) {scale=d.layer0.pre_cross_attention_norm.scale} {epsilon=1.0E-6}
                d.layer0.cross_attention.q = projection(d.layer0.pre_cross_attention_norm) {weight=d.layer0.cross_attention.q.weight} {activation=none}
                d.layer0.cross_attention.k = projection(e.out) {weight=d.layer0.cross_attention.k.weight} {activation=none}
                d.layer0.cross_attention.v = projection(e.out) {weight=d.layer0.cross_attention.v.weight} {activation=none}
                d.layer0.cross_attention.logits = scores(d.layer0.cross_attention.q, d.layer0.cross_attention.k) {causal=false, factor=0.5, heads=2}
                d.layer0.cross_attention.probs = softmax(d.layer0.cross_attention.logits)
                d.layer0.cross_attention.context = mixture(d.layer0.cross_attention.probs, d.layer0.cross_attention.v) {heads=2}
                d.layer0.cross_attention.out = projection(d.layer0.cross_attention.context) {weight=d.layer0.cross_attention.out.weight} {activation=none}
                d.layer0.pre_mlp_norm = rms-norm(d.layer0.after_cross_attention) {scale=d.layer0.pre_mlp_norm.scale} {epsilon=1.0E-6}
                d.layer0.mlp.wi_0_act = projection(d.layer0.pre_mlp_norm) {weight=d.layer0.mlp.wi_0.weight} {activation=gelu_tanh}
                d.layer0.mlp.wi_1 = projection(d.layer0.pre_mlp_norm) {weight=d.layer0.mlp.wi_1.weight} {activation=none}
                d.layer0.mlp.gated = product(d.layer0.mlp.wi_0_act, d.layer0.mlp.wi_1)
                d.layer0.mlp.wo = projection(d.layer0.mlp.gated) {weight=d.layer0.mlp.wo.weight} {activation=none}
                d.layer0.after_self_attention = sum(d.embedded, d.layer0.self_attention.out)
                d.layer0.after_cross_attention = sum(d.layer0.after_self_attention, d.layer0.cross_attention.out)
                d.layer0.out = sum(d.layer0.after_cross_attention, d.layer0.mlp.wo)
                d.out = rms-norm(d.layer0.out) {scale=d.out.scale} {epsilon=1.0E-6}
                d.logits = projection(d.out) {weight=d.logits.weight} {activation=none}
                """;
        try (DecoderStack stack = new DecoderStack("d", "e.out", KERNELS, new SeededWeights(), SIZES, 1, 11, 7)) {
            assertEquals(expected, told(stack));
        }
    }

    @Test
    void convolution() {
        Convolution.Shape shape = new Convolution.Shape(3, 5, 4, 2, 3, 1, 2);
        String settings = ", frequencyPadding=2, frequencyStride=3, timePadding=1}\n";
        try (Conv2d one = new Conv2d("c", List.of("x"), KERNELS, new SeededWeights(), shape, Activation.RELU);
                Conv2d two =
                        new Conv2d("c", List.of("x", "y"), KERNELS, new SeededWeights(), shape, Activation.SIGMOID)) {
            String weights = "{bias=c.bias, weight=c.weight} ";
            assertEquals("c = convolution(x) " + weights + "{activation=relu" + settings, told(one));
            assertEquals(
                    "c.in = concatenation(x, y)\n"
                            + "c.pre = convolution(x, y) " + weights + "{activation=none" + settings
                            + "c = activation(c.pre) {activation=sigmoid}\n",
                    told(two));
            assertEquals(List.of("c.in", "c.pre", "c"), two.taps());
        }
    }
}
