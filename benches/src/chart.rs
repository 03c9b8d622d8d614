//! A chart of bars, as SVG.
//!
//! It has a background of its own, so that it can be read on a dark page as well: a page's colours do not reach into an
//! image.

use svg::{
    Document,
    node::element::{Description, Group as Drawn, Line, Rectangle, Text, Title},
};

use crate::statistics::Spread;

/// Panels of bars on one scale, which begins at 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// What it shows.
    pub title: &'static str,
    /// The same in words, for those who cannot see it.
    pub description: &'static str,
    /// What the groups of a panel are.
    pub axis: &'static str,
    /// The name of each bar of a group.
    pub series: Vec<&'static str>,
    /// Where a dashed line is drawn, beside the line at 1.
    pub aim: f64,
    /// The panels, two in a row.
    pub panels: Vec<Panel>,
}

/// Groups of bars beside each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// Its title.
    pub name: String,
    /// Its groups.
    pub groups: Vec<Group>,
}

/// Bars beside each other, one of each series.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// What is written below it.
    pub name: String,
    /// Its bars, with whiskers at the quartiles.
    pub bars: Vec<Spread>,
}

/// Colours that the colour-blind can tell apart, too (Okabe and Ito).
const COLOURS: [&str; 4] = ["#8a8a8a", "#56b4e9", "#0072b2", "#e69f00"];
const INK: &str = "#1f2328";
const PAPER: &str = "#ffffff";

const WIDTH: f64 = 960.0;
/// Above the panels: the title and the legend.
const TOP: f64 = 66.0;
const PANEL: (f64, f64) = (WIDTH / 2.0, 230.0);
/// A panel's bars: from the left, from the top, width and height.
const PLOT: (f64, f64, f64, f64) = (46.0, 30.0, PANEL.0 - 62.0, 150.0);

impl Chart {
    /// Draws it.
    #[must_use]
    pub fn svg(&self) -> String {
        let height = TOP + PANEL.1 * self.panels.len().div_ceil(2) as f64;
        let mut document = Document::new()
            .set("viewBox", (0.0, 0.0, WIDTH, height))
            .set("role", "img")
            .set("font-family", "sans-serif")
            .set("font-size", 12)
            .set("fill", INK)
            .add(Title::new(self.title))
            .add(Description::new().add(svg::node::Text::new(self.description)))
            .add(Rectangle::new().set("width", WIDTH).set("height", height).set("fill", PAPER))
            .add(text(self.title, 16.0, 26.0, "start").set("font-size", 16));
        for (at, (name, colour)) in self.series.iter().zip(COLOURS).enumerate() {
            let x = 16.0 + 130.0 * at as f64;
            document = document.add(bar(x, 40.0, 12.0, 12.0, colour)).add(text(name, x + 18.0, 50.0, "start"));
        }
        let aim = format!("dashed: the aim, {:.2}", self.aim);
        document = document.add(text(&aim, WIDTH - 16.0, 50.0, "end"));
        let top = self.top();
        for (at, panel) in self.panels.iter().enumerate() {
            let (x, y) = (PANEL.0 * (at % 2) as f64, TOP + PANEL.1 * (at / 2) as f64);
            document = document.add(self.panel(panel, top).set("transform", format!("translate({x} {y})")));
        }
        format!("{document}\n")
    }

    /// The upper end of the scale: above the highest whisker.
    fn top(&self) -> f64 {
        let bars = self.panels.iter().flat_map(|panel| &panel.groups).flat_map(|group| &group.bars);
        let highest = bars.map(|bar| bar.high).fold(self.aim, f64::max);
        (highest * 2.0).ceil() / 2.0
    }

    fn panel(&self, panel: &Panel, top: f64) -> Drawn {
        let (left, above, width, height) = PLOT;
        let right = left + width;
        let y = |value: f64| above + height * (1.0 - value / top);
        let title = text(&panel.name, left, above - 10.0, "start").set("font-weight", "bold");
        let mut drawn = Drawn::new().add(title);
        let mut tick = 0.0;
        while tick <= top {
            let strong = if tick == 1.0 { 1.0 } else { 0.2 };
            let rule = line(left, y(tick), right, y(tick)).set("stroke-opacity", strong);
            drawn = drawn.add(rule).add(text(&format!("{tick:.1}"), left - 6.0, y(tick) + 4.0, "end"));
            tick += 0.5;
        }
        let group_width = width / panel.groups.len().max(1) as f64;
        for (at, group) in panel.groups.iter().enumerate() {
            let from = left + group_width * at as f64;
            let bar_width = group_width * 0.8 / group.bars.len().max(1) as f64;
            for (at, (spread, colour)) in group.bars.iter().zip(COLOURS).enumerate() {
                let x = from + group_width * 0.1 + bar_width * at as f64;
                let middle = x + bar_width / 2.0;
                drawn = drawn
                    .add(bar(x, y(spread.median), bar_width - 1.0, above + height - y(spread.median), colour))
                    .add(line(middle, y(spread.low), middle, y(spread.high)));
            }
            drawn = drawn.add(text(&group.name, from + group_width / 2.0, above + height + 16.0, "middle"));
        }
        drawn.add(line(left, y(self.aim), right, y(self.aim)).set("stroke-dasharray", "5 4")).add(text(
            self.axis,
            left + width / 2.0,
            above + height + 34.0,
            "middle",
        ))
    }
}

fn text(content: &str, x: f64, y: f64, anchor: &str) -> Text {
    Text::new(content).set("x", rounded(x)).set("y", rounded(y)).set("text-anchor", anchor)
}

fn bar(x: f64, y: f64, width: f64, height: f64, colour: &str) -> Rectangle {
    Rectangle::new()
        .set("x", rounded(x))
        .set("y", rounded(y))
        .set("width", rounded(width))
        .set("height", rounded(height))
        .set("fill", colour)
}

fn line(x1: f64, y1: f64, x2: f64, y2: f64) -> Line {
    Line::new()
        .set("x1", rounded(x1))
        .set("y1", rounded(y1))
        .set("x2", rounded(x2))
        .set("y2", rounded(y2))
        .set("stroke", INK)
}

/// Less than a tenth of a pixel cannot be seen, and makes a file long.
fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bar_is_drawn_and_each_name_is_escaped() {
        let bars = vec![Spread { low: 0.9, median: 1.0, high: 1.2 }; 2];
        let groups = vec![Group { name: "1 & 2".to_owned(), bars }; 3];
        let chart = Chart {
            title: "times <floor>",
            description: "a description",
            axis: "in flight",
            series: vec!["one", "two"],
            aim: 1.1,
            panels: vec![Panel { name: "HTTP".to_owned(), groups }],
        };
        let drawn = chart.svg();
        // The background, two in the legend, and the bars.
        assert_eq!(drawn.matches("<rect").count(), 1 + 2 + 6, "{drawn}");
        assert!(drawn.contains("times &lt;floor&gt;") && drawn.contains("1 &amp; 2"), "{drawn}");
        assert!(drawn.contains("<title>") && drawn.contains("a description"), "{drawn}");
    }
}
