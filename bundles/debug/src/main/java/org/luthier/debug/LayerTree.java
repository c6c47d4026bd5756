package org.luthier.debug;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Model;
import org.luthier.files.text.TextTable;

/**
 * The layers of a model: names, tensors offered to probes, weights with shapes, types and the names they have in the checkpoint.
 *
 * @param name canonical name of the layer
 * @param taps names of the tensors that the layer itself offers, in order of execution
 * @param computations how the taps are made, as far as the layer tells
 * @param weights weights of the layer itself
 * @param children layers inside, in order of execution
 */
public record LayerTree(
        String name,
        List<String> taps,
        List<Computation> computations,
        List<Layer.Weight> weights,
        List<LayerTree> children) {
    /** The tree of a model. */
    public static LayerTree of(Model model) {
        return of(model.root());
    }

    /** The tree below a layer. */
    public static LayerTree of(Layer layer) {
        return new LayerTree(
                layer.name(),
                List.copyOf(layer.taps()),
                List.copyOf(layer.computations()),
                List.copyOf(layer.weights()),
                layer.children().stream().map(LayerTree::of).toList());
    }

    /** Learned numbers in this layer and all inside. */
    public long parameters() {
        long own = weights.stream().mapToLong(LayerTree::elements).sum();
        return own + children.stream().mapToLong(LayerTree::parameters).sum();
    }

    /** The names of all tensors offered by this layer and all inside; a layer's own come after its children's. */
    public List<String> allTaps() {
        List<String> all = new ArrayList<>();
        children.forEach(child -> all.addAll(child.allTaps()));
        all.addAll(taps);
        return all;
    }

    /** This layer and all inside. */
    List<LayerTree> all() {
        List<LayerTree> all = new ArrayList<>(List.of(this));
        children.forEach(child -> all.addAll(child.all()));
        return all;
    }

    /** Which tensors come from which, in this layer and all inside. */
    public TensorGraph graph() {
        return new TensorGraph(allComputations());
    }

    private List<Computation> allComputations() {
        List<Computation> all = new ArrayList<>();
        children.forEach(child -> all.addAll(child.allComputations()));
        all.addAll(computations);
        return all;
    }

    private static long elements(Layer.Weight weight) {
        return weight.shape().stream().reduce(1L, Math::multiplyExact);
    }

    /** The tree as JSON objects: {@code {"name", "parameters", "taps", "weights": [{"name", "shape", "dtype", "source"}], "children",
     * "computations": [{"output", "operation", "inputs", "weights", "settings"}]}}. */
    public Map<String, Object> asMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("name", name);
        map.put("parameters", parameters());
        map.put("taps", taps);
        map.put("weights", weights.stream().map(LayerTree::asMap).toList());
        map.put("children", children.stream().map(LayerTree::asMap).toList());
        map.put("computations", computations.stream().map(LayerTree::asMap).toList());
        return map;
    }

    private static Map<String, Object> asMap(Computation computation) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("output", computation.output());
        map.put("operation", computation.operation());
        map.put("inputs", computation.inputs());
        map.put("weights", new TreeMap<>(computation.weights()));
        map.put("settings", new TreeMap<>(computation.settings()));
        return map;
    }

    private static Map<String, Object> asMap(Layer.Weight weight) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("name", weight.name());
        map.put("shape", weight.shape());
        map.put("dtype", weight.dtype().name());
        map.put("source", weight.source());
        return map;
    }

    /** The tree as an aligned table, one line a layer, weight or tap. */
    public String table() {
        TextTable table = new TextTable("layer", ">parameters", "shape", "dtype", "in the checkpoint, or made by");
        addTo(table, "");
        return table + "\n";
    }

    private void addTo(TextTable table, String indent) {
        table.row(indent + name, String.format(Locale.ROOT, "%,d", parameters()), "", "", "");
        for (Layer.Weight weight : weights) {
            table.row(
                    indent + "  " + weight.name(),
                    String.format(Locale.ROOT, "%,d", elements(weight)),
                    weight.shape().toString(),
                    weight.dtype().name(),
                    weight.source());
        }
        children.forEach(child -> child.addTo(table, indent + "  "));
        Map<String, Computation> made = new LinkedHashMap<>();
        computations.forEach(computation -> made.put(computation.output(), computation));
        for (String tap : taps) {
            table.row(indent + "  > " + tap, "", "", "", made(made.get(tap)));
        }
    }

    private static String made(Computation computation) {
        return computation == null ? "" : computation.operation() + " of " + String.join(", ", computation.inputs());
    }
}
