package org.luthier.debug.doctor;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.luthier.api.Cancellation;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Position;
import org.luthier.api.model.Session;
import org.luthier.api.model.TokenModel;
import org.luthier.debug.LayerTree;
import org.luthier.debug.TensorGraph;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Feeds a decoder the same ids at once and step by step. All at once nothing has to be remembered, so that where the two differ it is the
 * cache, or what goes with it, that is wrong; what it is, is tested on the tensors of that step.
 */
final class DecoderStage {
    /** Steps that are compared: enough for a fault to show, few enough to be quick. */
    private static final int STEPS = 16;

    /**
     * Largest difference allowed, of the larger of 1 and the tensor's largest value. Products of one vector and of many are summed in other
     * orders: 2e-6 was measured on MT3. What a cache forgets is of the tensor's own size.
     */
    private static final double ROUNDING = 1e-3;

    /** A probability that leaves nothing for the other keys. */
    private static final double ALL = 0.9999;

    private final TokenModel model;
    private final TensorGraph graph;
    private final String logits;
    private final String next;
    private final Notebook notes;

    /** @param next the command that records the decoder's tensors */
    DecoderStage(TokenModel model, String next, Notebook notes) {
        this.model = model;
        this.next = next;
        this.notes = notes;
        List<String> taps = LayerTree.of(model).allTaps();
        logits = taps.get(taps.size() - 1);
        graph = LayerTree.of(model).graph();
    }

    /**
     * Looks at the decoding of one segment.
     *
     * @param encoded what the encoder made of it
     */
    void examine(INDArray encoded, Position at, Cancellation cancellation) {
        notes.examine(Stage.DECODER);
        Latest probe = new Latest();
        try (Session session = model.open(1, probe)) {
            List<int[]> fed = fed(session, probe, encoded, at, cancellation);
            Map<String, Latest.Tapped> whole = atOnce(session, probe, encoded, at, fed);
            List<Map<String, Latest.Tapped>> steps = new ArrayList<>();
            session.beginEncoded(encoded, at);
            probe.take();
            for (int[] ids : fed) {
                cancellation.check();
                session.step(ids, null);
                steps.add(probe.take());
            }
            int[] cached = freely(session, encoded, at);
            String said = "with the cache it says " + text(cached) + ", without " + text(fed);
            if (!compare(whole, steps, said)) {
                blind(whole, said);
            }
        }
    }

    /** What the decoder says when it is fed all it said before at once, again and again: [steps][rows], the start id first. */
    private List<int[]> fed(Session session, Latest probe, INDArray encoded, Position at, Cancellation cancellation) {
        int rows = model.layout().channels();
        int[] ids = new int[rows];
        Arrays.fill(ids, model.layout().vocabulary().pad());
        List<int[]> fed = new ArrayList<>(List.of(ids));
        while (fed.size() < Math.min(STEPS, model.layout().maxTokens())) {
            cancellation.check();
            Latest.Tapped scores = atOnce(session, probe, encoded, at, fed).get(logits);
            Latest.Tapped last = scores.at(1, fed.size() - 1);
            int width = last.shape()[2];
            int[] chosen = new int[rows];
            for (int row = 0; row < rows; row++) {
                int from = row * width;
                chosen[row] = IntStream.range(0, width)
                        .reduce(0, (a, b) -> last.values()[from + b] > last.values()[from + a] ? b : a);
            }
            fed.add(chosen);
        }
        return fed;
    }

    private Map<String, Latest.Tapped> atOnce(
            Session session, Latest probe, INDArray encoded, Position at, List<int[]> fed) {
        session.beginEncoded(encoded, at);
        probe.take();
        List<IntList> prompts = IntStream.range(0, session.rows())
                .mapToObj(row -> (IntList) IntLists.immutable.ofAll(fed.stream().mapToInt(ids -> ids[row])))
                .toList();
        session.prefill(prompts);
        return probe.take();
    }

    private int[] freely(Session session, INDArray encoded, Position at) {
        session.beginEncoded(encoded, at);
        int[] ids = new int[session.rows()];
        Arrays.fill(ids, model.layout().vocabulary().pad());
        int[] said = new int[STEPS - 1];
        for (int step = 0; step < said.length; step++) {
            ids = session.step(ids, null);
            said[step] = ids[0];
        }
        return said;
    }

    private static String text(int[] ids) {
        return IntStream.of(ids).mapToObj(String::valueOf).collect(Collectors.joining(" "));
    }

    private static String text(List<int[]> fed) {
        return text(fed.stream().skip(1).mapToInt(ids -> ids[0]).toArray());
    }

    /** @return whether they differ */
    private boolean compare(Map<String, Latest.Tapped> whole, List<Map<String, Latest.Tapped>> steps, String said) {
        for (int step = 0; step < steps.size(); step++) {
            for (String name : whole.keySet()) {
                Latest.Tapped one = steps.get(step).get(name);
                double error = one == null ? 0 : error(of(name, whole.get(name), step), one);
                if (!(error <= ROUNDING)) {
                    notes.find(
                            Stage.DECODER,
                            "step by step the decoder computes something else than at once: " + name
                                    + " departs at step " + step,
                            cause(name, whole, steps.get(step), step),
                            evidence(whole, steps.get(step), step) + said,
                            next);
                    return true;
                }
            }
        }
        return false;
    }

    private String evidence(Map<String, Latest.Tapped> whole, Map<String, Latest.Tapped> one, int step) {
        return Notebook.format(
                "%s is off by %.2g of its largest value; ",
                logits, error(of(logits, whole.get(logits), step), one.get(logits)));
    }

    /** The part of a whole tensor that is of one step: of scores and probabilities the keys up to it. */
    private Latest.Tapped of(String name, Latest.Tapped whole, int step) {
        Latest.Tapped line = whole.at(stepAxis(whole), step);
        if (!isOverKeys(name)) {
            return line;
        }
        int keys = step + 1;
        int all = line.shape()[3];
        float[] values = new float[line.values().length / all * keys];
        for (int i = 0; i < values.length; i++) {
            values[i] = line.values()[i / keys * all + i % keys];
        }
        return new Latest.Tapped(new int[] {line.shape()[0], line.shape()[1], 1, keys}, values);
    }

    /** Whether a tensor's last dimension counts what was fed before: the scores of causal attention and their softmax. */
    private boolean isOverKeys(String name) {
        Computation made = graph.computation(name);
        if (made != null && made.operation().equals(Computation.SOFTMAX)) {
            return isOverKeys(made.inputs().get(0));
        }
        return made != null
                && made.operation().equals(Computation.SCORES)
                && Boolean.TRUE.equals(made.settings().get("causal"));
    }

    private static int stepAxis(Latest.Tapped tensor) {
        return Math.max(1, tensor.shape().length - 2);
    }

    private static double error(Latest.Tapped expected, Latest.Tapped got) {
        if (expected.values().length != got.values().length) {
            return Double.POSITIVE_INFINITY;
        }
        double largest = 1;
        double error = 0;
        for (int i = 0; i < expected.values().length; i++) {
            largest = Math.max(largest, Math.abs(expected.values()[i]));
            double difference = Math.abs((double) expected.values()[i] - got.values()[i]);
            error = Double.isNaN(difference) ? Double.NaN : Math.max(error, difference);
        }
        return error / largest;
    }

    private String cause(String name, Map<String, Latest.Tapped> whole, Map<String, Latest.Tapped> step, int number) {
        if (number == 0) {
            return "not the cache, which is still empty: one vector is computed otherwise than several, or masked";
        }
        Computation made = graph.computation(name);
        if (made != null && made.operation().equals(Computation.LOOKUP)) {
            return error(of(name, whole.get(name), 0), step.get(name)) <= ROUNDING
                    ? "the id that was chosen is not fed back: the first is fed again and again"
                    : "another id is fed than was given";
        }
        List<String> causes = new ArrayList<>();
        long newest = mixtures().stream()
                .filter(mixture -> seesOnlyNewest(mixture, step))
                .count();
        if (newest > 0) {
            causes.add("the cache holds only the newest key: self attention sees no token but the one just fed, in "
                    + newest + " of " + mixtures().size() + " layers");
        }
        if (made != null && isPosition(made) && standsStill(made, whole, step)) {
            causes.add("the position stands still: every step is told that it is the first");
        }
        return causes.isEmpty()
                ? "what the cache holds is not what was computed before; no known cause fits"
                : String.join("; and ", causes);
    }

    private static boolean isPosition(Computation made) {
        return made.operation().equals(Computation.POSITIONS)
                || made.operation().equals(Computation.LOOKUP_AND_POSITIONS);
    }

    /** Whether what is added to the vector of the id is what the first one gets. */
    private boolean standsStill(
            Computation positions, Map<String, Latest.Tapped> whole, Map<String, Latest.Tapped> step) {
        String vectors = positions.operation().equals(Computation.POSITIONS)
                ? positions.inputs().get(0)
                : graph.computations().stream()
                        .filter(other -> other.operation().equals(Computation.LOOKUP)
                                && other.weights().equals(positions.weights()))
                        .map(Computation::output)
                        .findFirst()
                        .orElse(null);
        if (vectors == null || !whole.containsKey(vectors) || !step.containsKey(vectors)) {
            return false;
        }
        Latest.Tapped first = difference(
                of(positions.output(), whole.get(positions.output()), 0), of(vectors, whole.get(vectors), 0));
        return error(first, difference(step.get(positions.output()), step.get(vectors))) <= ROUNDING;
    }

    private static Latest.Tapped difference(Latest.Tapped a, Latest.Tapped b) {
        float[] values = a.values().clone();
        for (int i = 0; i < values.length; i++) {
            values[i] -= b.values()[i];
        }
        return new Latest.Tapped(a.shape(), values);
    }

    /** What self attention gathers, in each layer. */
    private List<Computation> mixtures() {
        return graph.computations().stream()
                .filter(made -> made.operation().equals(Computation.MIXTURE)
                        && isOverKeys(made.inputs().get(0)))
                .toList();
    }

    /** Whether what is gathered at a step is the value of the newest token alone. */
    private static boolean seesOnlyNewest(Computation mixture, Map<String, Latest.Tapped> step) {
        Latest.Tapped gathered = step.get(mixture.output());
        Latest.Tapped values = step.get(mixture.inputs().get(1));
        return gathered != null && values != null && error(values, gathered) <= ROUNDING;
    }

    /** Whether attention that is given all ids at once sees none but the newest, which a cache has nothing to do with. */
    private void blind(Map<String, Latest.Tapped> whole, String said) {
        List<String> blind = mixtures().stream()
                .map(mixture -> mixture.inputs().get(0))
                .filter(probabilities -> whole.containsKey(probabilities) && onDiagonal(whole.get(probabilities)))
                .toList();
        if (!blind.isEmpty()) {
            notes.find(
                    Stage.DECODER,
                    "self attention sees no token but the newest, in " + Notebook.count(blind.size(), "layer"),
                    "the mask hides the keys before each query, or the scores are far too large",
                    blind.get(0) + " is 1 on the diagonal; " + said,
                    next);
        }
    }

    private static boolean onDiagonal(Latest.Tapped probabilities) {
        int queries = probabilities.shape()[2];
        int keys = probabilities.shape()[3];
        for (int i = 0; i < probabilities.values().length / keys; i++) {
            if (probabilities.values()[i * keys + i % queries] < ALL) {
                return false;
            }
        }
        return true;
    }
}
