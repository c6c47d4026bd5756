package org.luthier.api.plugin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.UsageException;

class SettingsTest {
    private static final Part PART = new Part() {
        @Override
        public String id() {
            return "picker";
        }

        @Override
        public String description() {
            return "A part with one parameter of each type.";
        }

        @Override
        public List<Parameter> parameters() {
            return List.of(
                    Parameter.number("threshold", 0.5, 0, 1, "", "Least likelihood."),
                    Parameter.integer("tolerance", 11, 0, 100, "frames", "Frames to wait."),
                    Parameter.flag("infer", true, "Whether to infer."),
                    Parameter.number("min-hz", null, 20, 5000, "Hz", "Lowest pitch."),
                    Parameter.text("title", null, "A title."));
        }

        @Override
        public void check(Settings settings) {
            if (settings.number("threshold") == 1 && settings.flag("infer")) {
                throw new UsageException("--threshold 1 leaves nothing to --infer");
            }
        }
    };

    @Test
    void defaultsHaveEveryParameterInOrder() {
        Settings settings = Settings.defaults(PART);
        assertEquals(
                List.of("threshold", "tolerance", "infer", "min-hz", "title"),
                List.copyOf(settings.asMap().keySet()));
        assertEquals(0.5, settings.number("threshold"));
        assertEquals(11, settings.integer("tolerance"));
        assertTrue(settings.flag("infer"));
        assertFalse(settings.isSet("min-hz"));
        assertThrows(IllegalArgumentException.class, () -> settings.number("min-hz"));
        assertThrows(IllegalArgumentException.class, () -> settings.text("title"));
    }

    @Test
    void changesAreParsed() {
        Settings settings =
                Settings.of(PART, Map.of("threshold", "0.25", "infer", "no", "min-hz", "200", "title", "Air"));
        assertEquals(0.25, settings.number("threshold"));
        assertFalse(settings.flag("infer"));
        assertEquals(200, settings.number("min-hz"));
        assertEquals("Air", settings.text("title"));
    }

    @ParameterizedTest
    @CsvSource({
        "threshold,1.5",
        "threshold,NaN",
        "threshold,half",
        "tolerance,1.5",
        "tolerance,-1",
        "tolerance,99999999999",
        "infer,maybe",
        "min-hz,19"
    })
    void valuesOutOfBoundsOrOfAnotherTypeAreRefused(String name, String text) {
        UsageException refused = assertThrows(UsageException.class, () -> Settings.of(PART, Map.of(name, text)));
        assertTrue(refused.getMessage().startsWith("--" + name + ": expected "), refused.getMessage());
        assertTrue(refused.getMessage().endsWith("got '" + text + "'"), refused.getMessage());
    }

    @Test
    void valuesThatContradictEachOtherAreRefusedByThePart() {
        assertThrows(UsageException.class, () -> Settings.of(PART, Map.of("threshold", "1")));
        assertEquals(
                1, Settings.of(PART, Map.of("threshold", "1", "infer", "no")).number("threshold"));
    }

    @Test
    void unknownNamesAreRefusedWithTheNamesThereAre() {
        UsageException refused = assertThrows(UsageException.class, () -> Settings.of(PART, Map.of("treshold", "0.1")));
        assertTrue(refused.getMessage().contains("treshold"), refused.getMessage());
        assertTrue(refused.getMessage().contains("threshold, tolerance"), refused.getMessage());
    }
}
