package org.luthier.debug.html;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.luthier.debug.CommonPlaces;
import org.luthier.debug.RecordedTensor;
import org.luthier.debug.Reference;
import org.luthier.debug.TensorDiff;
import org.luthier.debug.TraceDiff;

/** Pictures of what goes into the network, and of the posteriorgrams that come out of one without a decoder. */
final class Features {
    private static final int COLUMNS = 512;
    private static final int ROWS = 192;
    private static final int MOST_POSTERIORGRAMS = 3;
    private static final String FRONTEND = "frontend.";
    private static final String SAMPLES = ".in";

    private final TraceDiff diff;
    private final Sides sides;

    Features(TraceDiff diff, Sides sides) {
        this.diff = diff;
        this.sides = sides;
    }

    void write(Html html, boolean posteriorgrams) {
        String name = features();
        if (name != null) {
            section(html, "Features", List.of(name));
        }
        List<String> names = posteriorgrams ? posteriorgrams() : List.of();
        if (!names.isEmpty()) {
            section(html, "Posteriorgrams", names);
        }
    }

    /** The last picture that the front end made, of both sides if there is one of both; null if there is none. */
    private String features() {
        String found = null;
        for (TensorDiff tensor : diff.tensors()) {
            String name = tensor.name();
            if (name.startsWith(FRONTEND)
                    && !name.endsWith(SAMPLES)
                    && tensor.shape().size() > 2
                    && hasPlaces(name)
                    && (found == null || sides.both(name) || !sides.both(found))) {
                found = name;
            }
        }
        return found;
    }

    /** The last tensors that hold nothing but probabilities. */
    private List<String> posteriorgrams() {
        List<String> names = new ArrayList<>();
        for (TensorDiff tensor : diff.tensors()) {
            if (!sides.both(tensor.name())) {
                continue;
            }
            RecordedTensor reference = sides.reference().tensor(tensor.name());
            if (reference.steps()) {
                return List.of();
            }
            if (tensor.shape().size() > 2
                    && !tensor.name().startsWith(FRONTEND)
                    && hasPlaces(tensor.name())
                    && areProbabilities(reference.values())) {
                names.add(tensor.name());
            }
        }
        return names.subList(Math.max(0, names.size() - MOST_POSTERIORGRAMS), names.size());
    }

    private static boolean areProbabilities(float[] values) {
        for (float value : values) {
            if (!(value >= 0 && value <= 1)) {
                return false;
            }
        }
        return true;
    }

    private boolean hasPlaces(String name) {
        if (!sides.trace().has(name) && !sides.reference().has(name)) {
            return false;
        }
        List<Integer> sizes = common(name).sizes();
        return sizes.size() > 2 && !sizes.contains(0);
    }

    private CommonPlaces common(String name) {
        return sides.both(name) ? sides.common(name) : Sides.alone(side(name), name);
    }

    private Reference side(String name) {
        return sides.reference().has(name) ? sides.reference() : sides.trace();
    }

    private void section(Html html, String title, List<String> names) {
        String id = title.toLowerCase(Locale.ROOT);
        html.open("section", "aria-labelledby", id).element("h2", title, "id", id);
        int columns = COLUMNS / names.size();
        for (String name : names) {
            html.open("h3").name(name).close();
            int axis =
                    new PositionAxis().of(side(name).tensor(name), common(name).sizes());
            Picture.of(common(name), axis, "frame", columns, ROWS).write(html, Numbers.name(name), sides.both(name));
        }
        html.closeLine();
    }
}
