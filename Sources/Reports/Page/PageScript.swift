/// What the page does beyond lying there: find, filter and sort taps, and open the one that a link leads to.
enum PageScript {
  static let text = """
    (function () {
      "use strict";
      var list = document.getElementById("list");
      var taps = Array.prototype.slice.call(list.children);
      var find = document.getElementById("find");
      var failing = document.getElementById("failing");
      var worst = document.getElementById("worst");
      function update() {
        var text = find.value.trim().toLowerCase();
        taps.forEach(function (tap) {
          var fits = tap.dataset.name.toLowerCase().indexOf(text) !== -1;
          var wanted = !failing.checked || tap.dataset.fails === "1";
          tap.hidden = !(fits ? wanted : false);
        });
      }
      function sort() {
        var order = taps.slice();
        if (worst.checked) {
          order.sort(function (a, b) {
            return (b.dataset.fails - a.dataset.fails) || (b.dataset.error - a.dataset.error);
          });
        }
        order.forEach(function (tap) { list.appendChild(tap); });
      }
      function reveal() {
        var tap = location.hash ? document.getElementById(location.hash.slice(1)) : null;
        if (tap === null || tap.tagName !== "DETAILS") { return; }
        tap.hidden = false;
        tap.open = true;
        tap.scrollIntoView({ block: "start" });
      }
      document.getElementById("controls").hidden = false;
      find.addEventListener("input", update);
      failing.addEventListener("change", update);
      worst.addEventListener("change", sort);
      window.addEventListener("hashchange", reveal);
      reveal();
    })();
    """
}
